//! Lists of the admin API, which come in pages.

use jackfield_client::Error;
use jackfield_client::admin::Page;
use jackfield_model::admin::List;
use jackfield_model::limit;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{Output, Show};

/// Which part of a list to show.
#[derive(clap::Args)]
pub(super) struct ListArgs {
    /// Only those after this id
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// At most this many; all when absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

impl ListArgs {
    /// Walks over the pages that `fetch` gives and shows each object.
    pub(super) async fn show<T: Serialize + Show>(
        self,
        output: &mut Output,
        fetch: impl AsyncFn(&Page) -> Result<List<T>, Error>,
    ) -> Result<(), Failure> {
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut after = self.after;
        let mut list = output.list();
        loop {
            let page = Page { after: after.take(), limit: Some(page_size(left)) };
            let answer = fetch(&page).await?;
            for item in &answer.items {
                list.push(item)?;
            }
            left = left.saturating_sub(answer.items.len() as u64);
            after = answer.next_after;
            if left == 0 || after.is_none() || after == page.after {
                return Ok(list.finish()?);
            }
        }
    }
}

/// Objects to ask for at once when so many are still wanted.
pub(super) fn page_size(left: u64) -> u32 {
    u32::try_from(left).unwrap_or(u32::MAX).min(limit::ADMIN_PAGE_MAX)
}
