// The component library writes left and right; a page in Arabic or Hebrew needs start and end.
const RENAMED = [
  [/\b(margin|padding)-left:/g, '$1-inline-start:'],
  [/\b(margin|padding)-right:/g, '$1-inline-end:'],
  [/\bborder-left(-\w+)?:/g, 'border-inline-start$1:'],
  [/\bborder-right(-\w+)?:/g, 'border-inline-end$1:'],
  [/^(\s+)left:/gm, '$1inset-inline-start:'],
  [/^(\s+)right:/gm, '$1inset-inline-end:'],
  [/\btext-align: left\b/g, 'text-align: start'],
  [/\btext-align: right\b/g, 'text-align: end'],
  [/\bfloat: left\b/g, 'float: inline-start'],
  [/\bfloat: right\b/g, 'float: inline-end'],
];

export function toLogical(css) {
  return RENAMED.reduce((text, [from, to]) => text.replace(from, to), css);
}
