// The explorer as a whole: what is embedded, what the address says, and when to draw.

function startExplorer(section) {
  const parts = [
    ["explorer-sweeps", startSweeps, (data) => data.sweeps],
    ["explorer-kernels", startNetworks, (data) => data.kernels],
  ].flatMap(([id, start, content]) => {
    const root = document.getElementById(id);
    const data = JSON.parse(document.getElementById(`${id}-data`)?.textContent || "null");
    if (!root || !data || content(data).length === 0) return [];
    const state = {};
    return [{ root, state, update: start(root, data, state) }];
  });
  const draw = () => parts.forEach(({ root, update }) => { root.hidden = false; update(); });

  // The address of a view is #<part>?<its state>.
  const follow = () => {
    const [id, query] = location.hash.slice(1).split("?");
    const part = parts.find(({ root }) => root.id === id && query !== undefined);
    if (!part) return;
    for (const key of Object.keys(part.state)) delete part.state[key];
    Object.assign(part.state, Object.fromEntries(new URLSearchParams(query)));
    part.root.hidden = false;
    part.update();
    part.root.scrollIntoView();
  };

  document.getElementById("explorer-off").hidden = parts.length > 0;
  follow();
  let width = 0;
  new ResizeObserver(() => {
    if (section.clientWidth === width) return;
    width = section.clientWidth;
    requestAnimationFrame(draw);
  }).observe(section);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("hashchange", follow);
}

if (typeof DecompressionStream === "function") startExplorer(document.getElementById("explorer"));
