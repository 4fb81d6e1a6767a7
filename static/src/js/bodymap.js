// The picture over the area checkboxes: a touch on a part ticks its box, and the parts show what is ticked.
export function startBodyMap() {
  const map = document.querySelector('[data-body-map]');
  const form = map?.closest('form');
  const boxes = new Map([...(form?.querySelectorAll('[name="area"]') ?? [])].map((box) => [box.value, box]));
  if (boxes.size < 3) return; // one area and "Nowhere": nothing to choose from
  for (const view of map.querySelectorAll('[data-view]')) {
    const parts = [...view.querySelectorAll('[data-area]')];
    for (const part of parts) part.classList.toggle('is-treated', boxes.has(part.dataset.area));
    view.toggleAttribute('hidden', !parts.some((part) => boxes.has(part.dataset.area)));
  }
  map.addEventListener('click', (event) => boxes.get(event.target.closest('[data-area]')?.dataset.area)?.click());
  const show = () => {
    for (const part of map.querySelectorAll('[data-area]')) part.classList.toggle('is-on', Boolean(boxes.get(part.dataset.area)?.checked));
  };
  form.addEventListener('change', show);
  map.hidden = false;
  show();
}
