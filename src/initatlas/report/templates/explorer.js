// The explorer as a whole: what is embedded, what the address says, and when to draw.

function stateOf(hash) {
  return hash.startsWith("#explorer?") ? Object.fromEntries(new URLSearchParams(hash.slice("#explorer?".length))) : null;
}

function startExplorer(section) {
  const embedded = (id) => JSON.parse(document.getElementById(id)?.textContent || "null");
  const updates = [];
  const state = stateOf(location.hash) ?? {};
  const sweeps = embedded("explorer-sweeps-data");
  const sweepsRoot = document.getElementById("explorer-sweeps");
  if (sweeps?.sweeps.length) updates.push([sweepsRoot, startSweeps(sweepsRoot, sweeps, state)]);
  const draw = () => updates.forEach(([root, update]) => { root.hidden = false; update(); });
  document.getElementById("explorer-off").hidden = updates.length > 0;
  let width = 0;
  new ResizeObserver(() => {
    if (section.clientWidth === width) return;
    width = section.clientWidth;
    requestAnimationFrame(draw);
  }).observe(section);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  const follow = () => {
    const asked = stateOf(location.hash);
    if (!asked) return;
    for (const key of Object.keys(state)) delete state[key];
    Object.assign(state, asked);
    draw();
    section.scrollIntoView();
  };
  addEventListener("hashchange", follow);
  if (stateOf(location.hash)) section.scrollIntoView();
}

if (typeof DecompressionStream === "function") startExplorer(document.getElementById("explorer"));
