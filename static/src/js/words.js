// Texts for people come from the page, so that all of them go through the catalogue.
const WEEKDAY_MS = 6 * 86_400_000; // then the same weekday could be meant twice

export function word(name, values = {}) {
  const found = [...document.querySelectorAll('template[data-words]')].map((one) => one.content.querySelector(`[data-word="${name}"]`));
  const text = found.find(Boolean)?.textContent ?? '';
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? '');
}
export const timeOf = (at) => new Date(at).toLocaleTimeString(document.documentElement.lang, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
// "Tuesday 14:05" within a week, else "24 November at 14:05".
export function dayAndTimeOf(at, now = new Date()) {
  const date = new Date(at);
  const day = now - date < WEEKDAY_MS ? { weekday: 'long' } : { day: 'numeric', month: 'long' };
  return date.toLocaleString(document.documentElement.lang, { ...day, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
}
// "14:05" today, else with its day.
export const momentOf = (at, now = new Date()) => (new Date(at).toDateString() === now.toDateString() ? timeOf(at) : dayAndTimeOf(at, now));

// How far an entry has come, in a sentence; `answer` is what the clinic's server said of it.
export function stateOf(entry, answer) {
  if (entry.state !== 'sent') return word(entry.state);
  if (entry.seenAt && answer?.seen_by) return `${word('seen_by', { name: answer.seen_by })} ${momentOf(entry.seenAt)}`;
  return `${word('sent')} ${momentOf(entry.sentAt)}`;
}
