//! The console in a real browser: each page's main task, and what holds for every page.

mod calls;
mod import;
mod live;
mod pages;
mod session;
mod stage;
