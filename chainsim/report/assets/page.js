"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const data = read("report-data");
  const $ = (selector) => document.querySelector(selector);
  const $$ = (selector) => [...document.querySelectorAll(selector)];
  let bokeh = null;   // the document of the figures
  let range = null;   // the time that the diagram shows
  let contents = null;
  let order = null;   // all drawn messages by time: [renderer's name, index]
  let position = -1;

  const named = (name) => bokeh.get_model_by_name(name);

  // Contents are packed: unpacked when the first message is read.
  async function unpacked() {
    if (contents === null) {
      const text = document.getElementById("message-contents").textContent;
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      contents = await new Response(stream).json();
    }
    return contents;
  }

  // Filters

  const nodeAt = new Map(data.lanes.map((lane, node) => [lane, node]));

  function ticked(name) {
    return new Set($$(`#filters input[name=${name}]:checked`).map((box) => box.value));
  }

  function receiver(name, columns, index) {
    return data.receivers[name] ? data.receivers[name][index] : nodeAt.get(columns.y1[index]);
  }

  function filter() {
    const types = ticked("type"), nodes = ticked("node");
    const end = $("#filters [name=end]").value;
    const lostOnly = $("#filters [name=lost]").checked;
    const everyone = nodes.size === data.nodes.length;
    const has = data.nodes.map((_, lane) => nodes.has(String(lane)));
    let count = 0;
    for (const renderer of all) {
      const [what, type] = renderer.name.split("/");
      const visible = types.has(type) && (what === "lost" || !lostOnly);
      const columns = renderer.data_source.data, length = columns.t0.length;
      let chosen = null;
      if (visible && !everyone) {
        chosen = new Array(length);
        for (let i = 0; i < length; i++) {
          const from = has[nodeAt.get(columns.y0[i])], to = has[receiver(renderer.name, columns, i)];
          chosen[i] = end === "both" ? from && to : end === "either" ? from || to : end === "from" ? from : to;
          count += chosen[i];
        }
      } else if (visible) count += length;
      renderer.view.filter.booleans = chosen;
      renderer.visible = visible;
      const crosses = named(`crosses/${type}`);
      if (what === "lost" && crosses) crosses.visible = visible;
    }
    // Lanes below the last one that is ticked need no room.
    const wanted = end === "both" ? data.lanes.filter((_, node) => has[node]) : data.lanes;
    named("messages").y_range.start = Math.max(1, ...wanted) + 1;
    $("#shown").textContent = `${count.toLocaleString("en")} messages pass the filter`;
  }

  // Time

  function show(start, end) {
    const width = Math.min(Math.max(end - start, 2e-5), data.span + 0.1);
    start = Math.min(Math.max(start, -0.05), data.span + 0.05 - width);
    range.setv({start, end: start + width});
  }

  function move(how) {
    const {start, end} = range, width = end - start, middle = (start + end) / 2;
    if (how === "in") show(middle - width / 4, middle + width / 4);
    if (how === "out") show(middle - width, middle + width);
    if (how === "back") show(start - width * 0.7, end - width * 0.7);
    if (how === "on") show(start + width * 0.7, end + width * 0.7);
    if (how === "all") show(0, data.span);
    if (how === "first") show(...data.window);
  }

  // One message

  const time = (s) => `${s.toFixed(6)} s`;

  function row(list, term, text) {
    list.append(Object.assign(document.createElement("dt"), {textContent: term}));
    list.append(Object.assign(document.createElement("dd"), {textContent: text}));
  }

  async function tell(name, index, others) {
    const [what, type] = name.split("/");
    const columns = named(name).data_source.data;
    const content = (await unpacked())[columns.content[index]];
    const from = data.nodes[nodeAt.get(columns.y0[index])], to = data.nodes[receiver(name, columns, index)];
    const sent = columns.t0[index], ended = columns.t1[index];
    const list = document.createElement("dl");
    row(list, "from", from);
    row(list, "to", to);
    row(list, "sent", time(sent));
    if (what === "lost") row(list, "lost", `${time(ended)}: ${data.causes[data.lost[name][index]]}`);
    else if (data.underway[name]?.includes(index)) row(list, "arrived", "not yet when the run ended");
    else row(list, "arrived", `${time(ended)} (${((ended - sent) * 1000).toFixed(3)} ms)`);
    for (const copy of data.copies[name]?.[index] ?? []) row(list, "a copy of it", time(copy));
    row(list, "view", content.view);
    row(list, type === "request" || type === "reply" ? "number" : "sequence", content.sequence);
    row(list, "size", `${content.bytes} bytes`);
    const heading = Object.assign(document.createElement("h3"), {textContent: type});
    const text = document.createElement("pre");
    text.tabIndex = 0;
    text.textContent = JSON.stringify(content.content, null, 1);
    const place = $("#message-text");
    place.replaceChildren(heading, list, text);
    if (others > 0) {
      const note = document.createElement("p");
      note.textContent = `${others} more under the pointer: zoom in to tell them apart.`;
      place.insertBefore(note, text);
    }
    place.dataset.type = type;
  }

  function byTime() {
    if (order === null) {
      order = [];
      for (const renderer of all) {
        const times = renderer.data_source.data.t0;
        for (let i = 0; i < times.length; i++) order.push([renderer.name, i, times[i]]);
      }
      order.sort((a, b) => a[2] - b[2]);
    }
    return order;
  }

  function shownNow([name, index, at]) {
    const renderer = named(name), chosen = renderer.view.filter.booleans;
    return renderer.visible && (!chosen || chosen[index]) && at >= range.start && at <= range.end;
  }

  let selecting = false;
  function select(name, index) {
    selecting = true;
    for (const renderer of all)
      renderer.data_source.selected.indices = renderer.name === name ? [index] : [];
    selecting = false;
  }

  function step(by) {
    const list = byTime();
    let next = position < 0 || !shownNow(list[position])
      ? (by > 0 ? list.findIndex(shownNow) : list.findLastIndex(shownNow)) : position + by;
    while (next >= 0 && next < list.length && !shownNow(list[next])) next += by;
    if (next < 0 || next >= list.length) return;
    position = next;
    select(list[next][0], list[next][1]);
    tell(list[next][0], list[next][1], 0);
  }

  function clicked() {
    if (selecting) return;
    const hits = all.filter((r) => r.visible)
      .flatMap((r) => r.data_source.selected.indices.map((index) => [r.name, index]));
    if (hits.length === 0) return;
    const [name, index] = hits[0];
    position = byTime().findIndex((entry) => entry[0] === name && entry[1] === index);
    select(name, index);
    tell(name, index, hits.length - 1);
  }

  // Start

  let all = [];  // the renderers of messages
  async function start() {
    const items = [{docid: "report", roots: data.places, root_ids: Object.keys(data.places)}];
    await Bokeh.embed.embed_items({report: read("bokeh-document")}, items);
    bokeh = Bokeh.documents[0];
    all = Object.keys(data.underway).map(named);
    range = named("messages").x_range;
    let pending = 0;
    for (const renderer of all)
      renderer.data_source.selected.properties.indices.change.connect(() => {
        if (selecting) return;
        clearTimeout(pending);  // one click changes the selection of several sources
        pending = setTimeout(clicked, 0);
      });
    // A figure can't be drawn anew for paper in time: it is scaled to the page's width.
    addEventListener("beforeprint", () => {
      const width = Math.max(...$$(".drawing").map((drawing) => drawing.offsetWidth));
      document.documentElement.style.setProperty("--paper", 690 / width);
    });
    $("#filters").addEventListener("change", filter);
    document.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const {move: how, step: by, at, all: every, none, only} = button.dataset;
      if (how) move(how);
      if (by) step(Number(by));
      if (at) {
        const width = Math.max(data.window[1] - data.window[0], 0.05);
        show(at / 1e6 - width * 0.2, at / 1e6 + width * 0.8);
        $("#space-time").scrollIntoView();
      }
      if (every || none || only) {
        for (const box of $$(`#filters input[name=${only ? "node" : every ?? none}]`))
          box.checked = only ? "validator" in box.dataset : Boolean(every);
        filter();
      }
    });
    const scenario = $("#scenario-text").textContent;
    $("#save").href = URL.createObjectURL(new Blob([scenario], {type: "text/plain"}));
    filter();
    document.body.dataset.ready = "true";
  }
  start();
})();
