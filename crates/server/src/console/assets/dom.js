// Elements, made without markup in strings, and the small parts that all pages share.

const SVG = 'http://www.w3.org/2000/svg';

/** An element with properties and children. Text is text: nothing here is ever parsed as markup. */
export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same for SVG. */
export function s(tag, properties, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value' || name === 'checked' || name === 'indeterminate') element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(3).filter(child => child !== null && child !== undefined && child !== false));
  return element;
}

/** Puts these in the place of all that an element has. */
export function put(element, ...children) {
  element.replaceChildren(...children.flat(3).filter(child => child !== null && child !== undefined && child !== false));
  return element;
}

/** Tells people, and screen readers, what happened. */
export function toast(text, bad = false) {
  let place = document.getElementById('toasts');
  if (!place) {
    place = h('div', { id: 'toasts', role: 'status', 'aria-live': 'polite' });
    document.body.append(place);
  }
  const note = h('div', { class: bad ? 'toast bad' : 'toast' }, text);
  place.append(note);
  setTimeout(() => note.remove(), bad ? 9000 : 4000);
}

/** A message of an error, beside what it is about. */
export function problem(error) {
  const id = error.requestId ? [' ', h('span', { class: 'muted mono' }, `request ${error.requestId}`)] : [];
  return h('p', { class: 'problem', role: 'alert' }, error.message, ...id);
}

/** A button that does something, shows that it is being done, and says what went wrong. */
export function button(label, act, properties = {}) {
  const { where, ...more } = properties;
  const element = h('button', { type: 'button', ...more }, label);
  element.addEventListener('click', async event => {
    element.disabled = true;
    try {
      await act(event);
    } catch (error) {
      if (where) put(where, problem(error));
      else toast(error.message, true);
    } finally {
      element.disabled = false;
    }
  });
  return element;
}

/** A text with a button that copies it. `hidden` texts are shown on demand. */
export function copyable(text, what, hidden = false) {
  const shown = h('code', { class: 'value' }, hidden ? '•'.repeat(12) : text);
  const copy = button('Copy', async () => {
    await copyText(text);
    copy.textContent = 'Copied';
    setTimeout(() => { copy.textContent = 'Copy'; }, 1500);
  }, { class: 'small', 'aria-label': `Copy ${what}` });
  const parts = [shown];
  if (hidden) {
    const show = button('Show', () => {
      const open = show.textContent === 'Hide';
      shown.textContent = open ? '•'.repeat(12) : text;
      show.textContent = open ? 'Show' : 'Hide';
    }, { class: 'small', 'aria-label': `Show or hide ${what}` });
    parts.push(show);
  }
  return h('span', { class: 'copyable' }, ...parts, copy);
}

async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  // A console on a plain address that is not this machine has no clipboard.
  const area = h('textarea', { class: 'offscreen' });
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}

let ids = 0;

/** A labelled control. */
export function field(label, control, hint) {
  control.id ||= `f${++ids}`;
  const parts = [h('label', { for: control.id }, label), control];
  if (hint) {
    const note = h('span', { class: 'hint', id: `${control.id}h` }, hint);
    control.setAttribute('aria-describedby', note.id);
    parts.push(note);
  }
  return h('div', { class: 'field' }, ...parts);
}

/** A switch with its label behind it. */
export function check(label, properties = {}) {
  const box = h('input', { type: 'checkbox', ...properties });
  const element = h('label', { class: 'check' }, box, label);
  element.box = box;
  return element;
}

/** A choice of these: pairs of value and label, or values. */
export function select(options, chosen, properties = {}) {
  const element = h('select', properties);
  for (const option of options) {
    const [value, label] = Array.isArray(option) ? option : [option, option];
    element.append(h('option', { value, selected: String(value) === String(chosen ?? '') }, label));
  }
  return element;
}

/** A dialog. `content(close)` gives its parts; the focus goes back to where it was. */
export function dialog(title, content, properties = {}) {
  const element = h('dialog', { 'aria-label': title, ...properties });
  const close = () => element.close();
  element.append(h('header', {},
    h('h2', {}, title),
    h('button', { type: 'button', class: 'plain', 'aria-label': 'Close', onclick: close }, '✕')));
  element.append(...[content(close)].flat());
  element.addEventListener('close', () => element.remove());
  document.body.append(element);
  element.showModal();
  return element;
}

/** Asks before something that cannot be taken back; `effects` are lines that say what happens. */
export function confirm(title, effects, verb, act) {
  const place = h('div', {});
  dialog(title, close => [
    h('div', { class: 'body' }, effects.length > 1
      ? h('ul', {}, effects.map(effect => h('li', {}, effect)))
      : h('p', {}, effects[0]), place),
    h('footer', {},
      button('Cancel', close),
      button(verb, async () => { await act(); close(); }, { class: 'danger', where: place }))], { class: 'narrow' });
}

/** A form in a dialog. `act` gets the form's values by name. */
export function formDialog(title, parts, verb, act) {
  const place = h('div', {});
  const submit = h('button', { type: 'submit', class: 'primary' }, verb);
  dialog(title, close => {
    const form = h('form', { method: 'dialog', novalidate: true },
      h('div', { class: 'body' }, parts, place),
      h('footer', {}, button('Cancel', close), submit));
    form.addEventListener('submit', async event => {
      event.preventDefault();
      submit.disabled = true;
      try {
        await act(Object.fromEntries(new FormData(form)), form);
        close();
      } catch (error) {
        put(place, problem(error));
      } finally {
        submit.disabled = false;
      }
    });
    return form;
  });
}

/** A table with these columns. */
export function table(caption, columns, rows) {
  const body = h('tbody', {}, rows);
  const element = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    h('table', {},
      h('thead', {}, h('tr', {}, columns.map(column => h('th', { scope: 'col' }, column)))),
      body));
  element.body = body;
  return element;
}

/** Pairs of name and value. */
export function pairs(list) {
  return h('dl', { class: 'pairs' }, list.filter(Boolean).map(([name, value]) =>
    h('div', {}, h('dt', {}, name), h('dd', {}, value))));
}

/** A panel with a heading, and what stands beside the heading. */
export function panel(title, beside, ...content) {
  return h('section', { class: 'panel', 'aria-label': title },
    h('header', {}, h('h2', {}, title), h('div', { class: 'beside' }, beside)), ...content);
}

/** Nothing is there, and what to do about it. */
export function empty(text, ...more) {
  return h('div', { class: 'empty' }, h('p', {}, text), ...more);
}

/** The head of a page. */
export function head(title, text, ...actions) {
  return h('div', { class: 'head' },
    h('div', {}, h('h1', { tabindex: '-1' }, title), text && h('p', { class: 'muted' }, text)),
    actions.length > 0 && h('div', { class: 'actions' }, ...actions));
}

/** The colour of a status. */
export function statusBadge(status) {
  if (!status) return h('span', { class: 'badge bad' }, 'closed');
  const kind = status < 300 ? 'ok' : status < 500 ? 'warn' : 'bad';
  return h('span', { class: `badge ${kind}` }, String(status));
}

/** Hands a file to the reader. */
export function download(blob, name) {
  const link = h('a', { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
