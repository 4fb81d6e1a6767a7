// What a push says. Browsers that know declarative messages hand the notification over as they have read it, and no data;
// all others hand over the text.
export function messageOf({ notification, data }) {
  if (notification?.title) {
    const { title, body, tag, lang, navigate, data: more } = notification;
    return { title, body, tag, lang, navigate, receipt: more?.receipt, isDeclarative: true };
  }
  let said = {};
  try { said = data.json().notification ?? {}; } catch { /* unreadable: still shown */ }
  return { ...said, receipt: said.data?.receipt };
}
