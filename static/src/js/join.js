// An invitation's token stands in the address's fragment, which no server log sees; it is moved into the form at once.
export function startJoin() {
  const form = document.querySelector('form[data-join]');
  const token = location.hash.slice(1);
  if (!form || token.length < 40) return;
  form.elements.token.value = token;
  history.replaceState(null, '', location.pathname);
  form.querySelector('[data-join-code]').hidden = true;
  form.querySelector('[data-join-ready]').hidden = false;
}
