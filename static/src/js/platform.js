// What kind of device this is, as far as the way to install an app on it goes.
export function platform({ userAgent, maxTouchPoints } = navigator) {
  // An iPad says that it is a Mac; no Mac has a screen to touch.
  if (/iPhone|iPad|iPod/.test(userAgent) || (/Macintosh/.test(userAgent) && maxTouchPoints > 1)) return 'ios';
  return /Android/.test(userAgent) ? 'android' : 'computer';
}
