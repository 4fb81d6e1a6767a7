// Passkeys: the phone's own lock signs in. The server checks everything; this carries bytes between it and the browser.
import { bytes, text } from './base64url.js';
import { word } from './words.js';

export function startPasskeys() {
  if (!window.PublicKeyCredential || !navigator.credentials) return;
  for (const part of document.querySelectorAll('[data-passkeys]')) part.hidden = false;
  press('[data-passkey-add]', add);
  press('[data-passkey-sign-in]', signIn);
}

function press(selector, work) {
  const button = document.querySelector(selector);
  if (!button) return;
  const state = button.parentElement.querySelector('[data-passkey-state]');
  button.onclick = async () => {
    button.setAttribute('aria-busy', 'true');
    state.textContent = '';
    try { location.assign(await work(button)); } catch (error) { state.textContent = sentenceFor(error); }
    button.removeAttribute('aria-busy');
  };
}

// Somebody who closes the browser's own question has answered it.
function sentenceFor(error) {
  if (error.name === 'NotAllowedError' || error.name === 'AbortError') return '';
  return error.name === 'InvalidStateError' ? word('passkey_known') : error.said || word('passkey_failed');
}

async function add(button) {
  const options = await ask('/passkeys/options');
  const made = await navigator.credentials.create({ publicKey: {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: (options.excludeCredentials ?? []).map((one) => ({ ...one, id: bytes(one.id) })),
  } });
  const { clientDataJSON, attestationObject } = made.response;
  await ask('/passkeys', { ...named(made), response: { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject) } });
  return button.dataset.then;
}

async function signIn() {
  const options = await ask('/passkeys/sign-in/options');
  const used = await navigator.credentials.get({ publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: [] } });
  const { clientDataJSON, authenticatorData, signature, userHandle } = used.response;
  const answer = await ask('/passkeys/sign-in', { ...named(used), response: {
    clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature), userHandle: userHandle ? text(userHandle) : null,
  } });
  return answer.to;
}

const named = ({ id, rawId, type }) => ({ id, rawId: text(rawId), type });

async function ask(url, body = {}) {
  const response = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json', Accept: 'application/json' }, body: JSON.stringify(body) });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error('the clinic refused'), { said: answer.message });
  return answer;
}
