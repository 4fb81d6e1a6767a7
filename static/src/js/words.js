// Texts for people come from the page, so that all of them go through the catalogue.
export function word(name, values = {}) {
  const text = document.getElementById('words')?.content.querySelector(`[data-word="${name}"]`)?.textContent ?? '';
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? '');
}
export const timeOf = (at) => new Date(at).toLocaleTimeString(document.documentElement.lang, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
export const dayAndTimeOf = (at) => new Date(at).toLocaleString(document.documentElement.lang, { weekday: 'long', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
