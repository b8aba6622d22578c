// Finds operations: what has all the words stays, the rest is hidden.

const search = document.getElementById('search');
const none = document.getElementById('none');
const entries = [...document.querySelectorAll('main article')].map(article => ({
  article,
  link: document.querySelector(`nav a[href="#${CSS.escape(article.querySelector('h3').id)}"]`)?.parentElement,
  text: article.textContent.toLowerCase(),
}));

function find() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const { article, link, text } of entries) {
    const has = words.every(word => text.includes(word));
    article.hidden = !has;
    if (link) link.hidden = !has;
    if (has && link) found++;
  }
  for (const section of document.querySelectorAll('nav section, main .tag')) {
    const parts = [...section.querySelectorAll('li, article')];
    section.hidden = parts.length > 0 && parts.every(part => part.hidden);
  }
  none.hidden = found > 0;
}

search.hidden = false;
search.addEventListener('input', find);
search.addEventListener('change', find);
document.addEventListener('keydown', event => {
  if (event.key === '/' && event.target === document.body) {
    event.preventDefault();
    search.focus();
  }
});
// A link to a body leads out of what was found.
window.addEventListener('hashchange', () => {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.closest('[hidden]')) {
    search.value = '';
    find();
    target.scrollIntoView();
  }
});
