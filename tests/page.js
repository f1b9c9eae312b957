// What a page shows, and what is wrong with how it looks: a list of words for each, empty if all is well.
(() => {
  "use strict";

  const TOUCH = 1; // px: boxes that share no more than this lie side by side
  const HEADINGS = "h1, h2, h3, h4, h5, h6";
  const LABELS = `${HEADINGS}, svg text, th, .btn, .created-with-multiqc`;
  const SECTIONS = ".mqc-section";
  const MARKS = ".cartesianlayer path, .cartesianlayer image, .cartesianlayer use";

  const shown = (element) =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const wordsOf = (element) => element.textContent.trim().replace(/\s+/g, " ").slice(0, 60);
  const plotOf = (element) => element.closest(".js-plotly-plot");
  const nameOf = (element) => {
    const place = element.closest("[id]");
    return `${plotOf(element)?.id ?? place?.id ?? element.tagName}: ${wordsOf(element)}`;
  };

  // Ancestors, from the inside out, without the page itself, whose scroll bars are the window's.
  function* around(element) {
    for (let each = element.parentElement; each && each !== document.body; each = each.parentElement) {
      yield each;
    }
  }
  const clips = (element) => getComputedStyle(element).overflowX !== "visible";
  const isFixed = (element) => ["fixed", "sticky"].includes(getComputedStyle(element).position);
  const fixed = (element) => [element, ...around(element)].find(isFixed) ?? null;

  // Corners of a rectangle, in order; `place` takes a point of it to the window.
  const cornersOf = ({ x, y, width, height }, place = (point) => point) =>
    [[x, y], [x + width, y], [x + width, y + height], [x, y + height]].map(([left, top]) => {
      const { x: across, y: down } = place(new DOMPoint(left, top));
      return [across, down];
    });

  // The lines of text that an element of HTML shows, one rectangle each, cut to what its ancestors show.
  function linesOf(element) {
    const found = [];
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const range = document.createRange();
      range.selectNodeContents(node);
      found.push(...range.getClientRects());
    }
    let frame = { left: -Infinity, right: Infinity, top: -Infinity, bottom: Infinity };
    for (const each of around(element)) {
      if (!clips(each)) continue;
      const { left, right, top, bottom } = each.getBoundingClientRect();
      frame = {
        left: Math.max(left, frame.left), right: Math.min(right, frame.right),
        top: Math.max(top, frame.top), bottom: Math.min(bottom, frame.bottom),
      };
    }
    return found
      .map(({ left, right, top, bottom }) => {
        const x = Math.max(left, frame.left);
        const y = Math.max(top, frame.top);
        return { x, y, width: Math.min(right, frame.right) - x, height: Math.min(bottom, frame.bottom) - y };
      })
      .filter(({ width, height }) => width > 0 && height > 0);
  }

  // The boxes of a label, each four corners: those of rotated text stand as the text does.
  function boxesOf(element) {
    if (element.ownerSVGElement) {
      const matrix = element.getScreenCTM();
      const box = element.getBBox();
      return box.width && box.height ? [cornersOf(box, (point) => point.matrixTransform(matrix))] : [];
    }
    const whole = element.matches("button, .btn") ? [element.getBoundingClientRect()] : linesOf(element);
    return whole.filter(({ width, height }) => width && height).map((box) => cornersOf(box));
  }

  // Do two boxes share more than TOUCH along every direction that could part them?
  function intersect(one, other) {
    for (const corners of [one, other]) {
      for (const [from, to] of [[0, 1], [1, 2]]) {
        const [across, down] = [corners[to][0] - corners[from][0], corners[to][1] - corners[from][1]];
        const length = Math.hypot(across, down);
        const [mine, its] = [one, other].map((box) => box.map(([x, y]) => (x * across + y * down) / length));
        if (Math.min(Math.max(...mine), Math.max(...its)) - Math.max(Math.min(...mine), Math.min(...its)) <= TOUCH) {
          return false;
        }
      }
    }
    return true;
  }

  // Pairs of labels of which a box of one intersects a box of the other; what is fixed covers what is not.
  function collisions(root = document) {
    const boxes = [...root.querySelectorAll(LABELS)]
      .filter((element) => wordsOf(element) && shown(element))
      .flatMap((element) => boxesOf(element).map((corners) => ({
        element, corners, layer: fixed(element),
        top: Math.min(...corners.map(([, y]) => y)), bottom: Math.max(...corners.map(([, y]) => y)),
      })))
      .sort((one, other) => one.top - other.top);
    const found = new Set();
    boxes.forEach((one, place) => {
      for (let next = place + 1; next < boxes.length && boxes[next].top < one.bottom; next += 1) {
        const other = boxes[next];
        const apart = one.element !== other.element && one.layer === other.layer
          && !one.element.contains(other.element) && !other.element.contains(one.element);
        if (apart && intersect(one.corners, other.corners)) {
          found.add(`${nameOf(one.element)} | ${nameOf(other.element)}`);
        }
      }
    });
    return [...found];
  }

  // Labels that are not shown whole: beyond their plot, or wider than a box that hides the rest.
  function cut(root = document) {
    const beyond = [...root.querySelectorAll(".js-plotly-plot svg text")]
      .filter((element) => wordsOf(element) && shown(element))
      .filter((element) => {
        const [text, plot] = [element, plotOf(element)].map((each) => each.getBoundingClientRect());
        return text.left < plot.left - TOUCH || text.right > plot.right + TOUCH
          || text.top < plot.top - TOUCH || text.bottom > plot.bottom + TOUCH;
      });
    const hidden = [...root.querySelectorAll(`${HEADINGS}, th, td, .btn`)].filter((element) =>
      getComputedStyle(element).overflowX === "hidden" && shown(element)
      && element.scrollWidth > element.clientWidth + TOUCH);
    return [...beyond, ...hidden].map(nameOf);
  }

  // A plot is drawn if it has a size, a visible trace, and marks of it within the axes.
  function drawn(plot) {
    const { width, height } = plot.getBoundingClientRect();
    const visible = (plot._fullData ?? []).some((trace) => trace.visible === true);
    const marks = [...plot.querySelectorAll(MARKS)].some((mark) => {
      const box = mark.getBBox();
      return shown(mark) && box.width + box.height > 0;
    });
    return width > 100 && height > 100 && visible && marks;
  }

  // Has all been drawn that is shown? (Plots of MultiQC are empty first. A page without MultiQC has none.)
  const isDrawn = () => document.readyState === "complete" && (!window.mqc_plots
    || [...document.querySelectorAll(".hc-plot")].every((plot) => plot._fullData || !shown(plot.parentElement)));

  // Sections without anything below heading and description, and plots, tables and pictures with nothing.
  function empty() {
    const found = [];
    for (const section of document.querySelectorAll(SECTIONS)) {
      const plots = [...section.querySelectorAll(".hc-plot")].filter((plot) => shown(plot.parentElement));
      const tables = [...section.querySelectorAll("table")].filter(shown);
      const images = [...section.querySelectorAll("img")].filter(shown);
      const said = [...section.querySelectorAll(":scope > :not(.mqc-section-description):not(.ai-summary):not(.mqc-section-plot)")]
        .filter((element) => shown(element) && !element.matches(HEADINGS) && wordsOf(element));
      found.push(
        ...plots.filter((plot) => !drawn(plot)).map((plot) => `${section.id}: plot ${plot.id}`),
        ...tables.filter((table) => ![...table.querySelectorAll("td")].some(wordsOf)).map((table) => `${section.id}: table ${table.id}`),
        ...images.filter((image) => !image.complete || image.naturalWidth * image.clientHeight === 0).map(() => `${section.id}: picture`),
      );
      if (!section.querySelector(HEADINGS) || plots.length + tables.length + images.length + said.length === 0) {
        found.push(`${section.id}: nothing`);
      }
    }
    return found;
  }

  // What reaches beyond the window and is not scrolled within an element of its own: the innermost.
  function overflow() {
    const width = document.documentElement.clientWidth;
    function search(element) {
      const { left, right } = element.getBoundingClientRect();
      const scrolled = clips(element);
      const reach = scrolled ? right : Math.max(right, left + element.scrollWidth);
      if (reach <= width + TOUCH || !shown(element) || isFixed(element)) return [];
      const inner = scrolled ? [] : [...element.children].flatMap(search);
      return inner.length ? inner : [element];
    }
    const found = [...document.body.children].flatMap(search)
      .map((element) => `${element.tagName.toLowerCase()} ${nameOf(element)}`);
    const whole = document.scrollingElement.scrollWidth;
    return found.length || whole <= width ? found : [`the page is ${whole} px wide`];
  }

  // The words that stand in the window without scrolling, in their order.
  function firstScreen() {
    window.scrollTo({ top: 0, behavior: "instant" });
    const words = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const place = node.parentElement.getBoundingClientRect();
      if (place.top > window.innerHeight || !shown(node.parentElement) || fixed(node.parentElement)) continue;
      for (const word of node.data.matchAll(/\S+/g)) {
        const range = document.createRange();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        const { top, bottom, width } = range.getBoundingClientRect();
        if (width > 0 && top >= 0 && bottom <= window.innerHeight) words.push(word[0]);
      }
    }
    return words.join(" ");
  }

  // Look for all that is wrong with the plots once more, whenever a button has shown another of their datasets.
  async function behindButtons() {
    const found = [];
    for (const group of document.querySelectorAll(".mqc_hcplot_plotgroup")) {
      const buttons = [...group.querySelectorAll(".dataset-switch-group button, .percent-switch")].filter(shown);
      for (const button of buttons) {
        button.click();
        await new Promise((resume) => { setTimeout(resume, 20); });
        const faults = [...collisions(group), ...cut(group)];
        if (![...group.querySelectorAll(".hc-plot")].every(drawn)) faults.push("not drawn");
        found.push(...faults.map((fault) => `${wordsOf(button)}: ${fault}`));
      }
    }
    return found;
  }

  // Files that the page names, relative to its own, each once.
  const links = () => [...new Set([...document.querySelectorAll("a[href^='../']")]
    .map((link) => link.getAttribute("href").split("#")[0]))];

  // Links within the page that lead nowhere.
  const deadLinks = () => [...document.querySelectorAll("a[href^='#']")]
    .filter((link) => shown(link) && !["", "#top"].includes(link.hash)
      && !document.getElementById(decodeURIComponent(link.hash.slice(1))))
    .map((link) => `${link.hash}: ${wordsOf(link)}`);

  window.page = { behindButtons, collisions, cut, deadLinks, empty, firstScreen, isDrawn, links, overflow };
})();
