"""What lies on a phone, its store and its caches, looked at by JavaScript in a page: not by the product's own code."""

# `look` gets a transaction over all of the store and returns a request.
STORE = """new Promise((resolve, reject) => {
  const asked = indexedDB.open('aftercare'), look = LOOK, tell = TELL;
  asked.onerror = () => reject(asked.error);
  asked.onsuccess = () => {
    const done = look(asked.result.transaction(['entries', 'known'], 'readwrite'));
    done.onsuccess = () => { asked.result.close(); resolve(tell(done.result)); };
  };
})"""


def in_store(look: str, tell: str = "found => found ?? true") -> str:
    """What `tell` makes of what `look` finds in the phone's store, as an expression to be awaited."""
    return STORE.replace("LOOK", f"writing => {look}").replace("TELL", tell)


KNOWN = in_store("writing.objectStore('known').getAllKeys()")
# The entries, bytes as their number.
ENTRIES = in_store(
    "writing.objectStore('entries').getAll()",
    "entries => JSON.parse(JSON.stringify(entries, "
    "(_, value) => value instanceof ArrayBuffer ? `${value.byteLength} bytes` : value))",
)
# Everything that is readable in any cache.
CACHED = """(async () => {
  let all = '';
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) all += request.url + await (await cache.match(request)).text();
  }
  return all;
})()"""
