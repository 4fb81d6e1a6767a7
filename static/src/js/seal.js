// Seals what the phone keeps, so that it lies nowhere on it in plain text: AES-GCM, bound to the name it is kept under.
const NAME = 'AES-GCM';

export async function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return { bytes, key: await keyFrom(bytes) };
}

// Never extractable: a script can use the key, but not take it along.
export const keyFrom = (bytes) => crypto.subtle.importKey('raw', bytes, NAME, false, ['encrypt', 'decrypt']);

export async function seal(key, value, name) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const plain = new TextEncoder().encode(JSON.stringify(value));
  return { iv, bytes: await crypto.subtle.encrypt({ name: NAME, iv, additionalData: bound(name) }, key, plain) };
}

// Rejects where the key is another one, or what was kept has been changed or moved.
export async function unseal(key, { iv, bytes }, name) {
  const plain = await crypto.subtle.decrypt({ name: NAME, iv, additionalData: bound(name) }, key, bytes);
  return JSON.parse(new TextDecoder().decode(plain));
}

const bound = (name) => new TextEncoder().encode(name);
