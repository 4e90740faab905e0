"use strict";

async function update() {
  const told = document.getElementById("told");
  const reply = await fetch("/api/state");
  if (!reply.ok) {
    told.textContent = await reply.text();
    return;
  }
  const state = await reply.json();
  told.textContent = `${state.daemon.name}: ${state.daemon.images_per_second} images/s`;
  document.getElementById("streams").replaceChildren(
    ...state.streams.map((stream) => {
      const row = document.createElement("li");
      row.textContent = `${stream.stream}: ${stream.sentence}`;
      return row;
    }),
  );
}

update();
setInterval(() => document.visibilityState === "visible" && update(), 2000);
