"use strict";
// Everything here is an addition: the page says all it has to say without it.
(() => {
  const say = document.createElement("p");
  say.className = "note";
  say.setAttribute("role", "status");
  const make = (tag, text, parent) => {
    const element = document.createElement(tag);
    element.textContent = text;
    if (parent) parent.append(element);
    return element;
  };
  const key = (row, column) => {
    const cell = row.cells[column];
    const text = cell ? (cell.dataset.v ?? cell.textContent.trim()) : "";
    const number = text === "" ? NaN : Number(text);
    return { text, number };
  };
  const compare = (left, right) => {
    if (!Number.isNaN(left.number) && !Number.isNaN(right.number)) return left.number - right.number;
    return left.text < right.text ? -1 : left.text > right.text ? 1 : 0;
  };
  const sortable = (table) => {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const label = head.textContent;
      head.textContent = "";
      const button = make("button", label, head);
      button.type = "button";
      button.addEventListener("click", () => {
        const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
        const body = table.tBodies[0];
        const rows = [...body.rows].map((row, index) => ({ row, index, value: key(row, column) }));
        rows.sort((left, right) => {
          // What is empty comes last in both directions.
          const empty = (left.value.text === "") - (right.value.text === "");
          return empty || sign * compare(left.value, right.value) || left.index - right.index;
        });
        body.append(...rows.map((entry) => entry.row));
      });
    });
  };
  const grid = (table) =>
    [...table.rows].filter((row) => !row.hidden).map((row) => [...row.cells].map((cell) => cell.dataset.v ?? cell.textContent.trim()));
  const quote = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const latex = (text) =>
    text.replace(/[\\&%$#_{}~^±−]/g, (sign) =>
      ({ "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "±": "$\\pm$", "−": "$-$" })[sign] ?? `\\${sign}`);
  const formats = {
    CSV: (rows) => rows.map((row) => row.map(quote).join(",")).join("\n") + "\n",
    Markdown: (rows) => {
      const line = (row) => `| ${row.map((text) => text.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
      return [line(rows[0]), line(rows[0].map(() => "---")), ...rows.slice(1).map(line)].join("\n") + "\n";
    },
    LaTeX: (rows) =>
      `\\begin{tabular}{${"l".repeat(rows[0].length)}}\n\\hline\n` +
      rows.map((row, index) => row.map(latex).join(" & ") + " \\\\" + (index === 0 ? "\n\\hline" : "")).join("\n") +
      "\n\\hline\n\\end{tabular}\n",
  };
  const copy = async (text, what) => {
    try {
      await navigator.clipboard.writeText(text);
      say.textContent = `Copied: ${what}.`;
    } catch {
      // A page opened from a file may be refused the clipboard: show the text, selected, instead.
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      say.textContent = done ? `Copied: ${what}.` : "Your browser refused the clipboard.";
    }
  };
  const save = (text, type, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  document.querySelectorAll("table[data-tools]").forEach((table) => {
    sortable(table);
    const tools = document.createElement("div");
    tools.className = "tools";
    if (table.dataset.tools === "filter") {
      const label = make("label", "Filter ", tools);
      const input = document.createElement("input");
      input.type = "search";
      label.append(input);
      const count = make("span", "", tools);
      count.setAttribute("role", "status");
      const rows = [...table.tBodies[0].rows];
      const texts = rows.map((row) => row.textContent.toLowerCase());
      input.addEventListener("input", () => {
        const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
        let shown = 0;
        rows.forEach((row, index) => {
          row.hidden = !words.every((word) => texts[index].includes(word));
          shown += row.hidden ? 0 : 1;
        });
        count.textContent = `${shown} of ${rows.length} lines`;
      });
    }
    Object.entries(formats).forEach(([name, format]) => {
      const button = make("button", `Copy as ${name}`, tools);
      button.type = "button";
      button.addEventListener("click", () => copy(format(grid(table)), `${table.rows.length - 1} lines as ${name}`));
    });
    (table.closest(".scroll") ?? table).before(tools);
  });
  // One small tooltip for all figures: which seed, which job, which value. Without script a mark's own title says it.
  const tip = make("div", "");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "status");
  const told = (mark) => {
    const { seed, job, value } = mark.dataset;
    const variant = mark.closest("[data-variant]")?.dataset.variant;
    return [variant, `seed ${seed}`, job && `job ${job}`, value].filter(Boolean).join(" · ");
  };
  let lit = null;
  const tell = (mark) => {
    if (mark === lit) return;
    lit?.classList.remove("lit");
    lit = mark;
    tip.hidden = !mark;
    if (!mark) return;
    mark.classList.add("lit");
    tip.textContent = told(mark);
    place(mark);
  };
  // Beside the mark, wherever the page is scrolled to.
  const place = (mark) => {
    const box = mark.getBoundingClientRect();
    const [wide, tall] = [tip.offsetWidth, tip.offsetHeight];
    const left = Math.min(Math.max(4, box.left + box.width / 2 - wide / 2), document.documentElement.clientWidth - wide - 4);
    const above = box.top - tall - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 4 ? above : Math.min(box.bottom + 8, innerHeight - tall - 4)}px`;
  };
  // Marks are thin: what is near the pointer counts.
  const near = (svg, x, y) => {
    for (const [across, down] of [[0, 0], [0, 3], [0, -3], [3, 0], [-3, 0]]) {
      const mark = document.elementFromPoint(x + across, y + down)?.closest("[data-seed]");
      if (mark && svg.contains(mark)) return mark;
    }
    return null;
  };
  document.querySelectorAll("figure[data-name]").forEach((figure) => {
    const svg = figure.querySelector("svg");
    if (!svg) return;
    const name = figure.dataset.name;
    const tools = document.createElement("div");
    tools.className = "tools";
    const action = (label, act) => {
      const button = make("button", label, tools);
      button.type = "button";
      button.addEventListener("click", () => act(button));
      return button;
    };
    // What the reader lights or hides is not saved.
    const whole = svg.outerHTML;
    action("Save SVG", () => save(whole, "image/svg+xml", `${name}.svg`));
    const data = figure.querySelector("details.data code");
    if (data) action("Save CSV", () => save(data.textContent, "text/csv", `${name}.csv`));
    const variants = [...new Set([...svg.querySelectorAll("[data-variant]")].map((part) => part.dataset.variant))];
    if (variants.length > 1 && variants.length <= 24) {
      const hide = make("span", "Hide:", tools);
      hide.className = "note";
      variants.forEach((variant) => {
        const button = action(variant, () => {
          const off = button.getAttribute("aria-pressed") !== "true";
          button.setAttribute("aria-pressed", String(off));
          svg.querySelectorAll("[data-variant]").forEach((part) => {
            if (part.dataset.variant === variant) part.classList.toggle("off", off);
          });
        });
        button.setAttribute("aria-pressed", "false");
        button.setAttribute("aria-label", `Hide ${variant} in ${name}`);
      });
    }
    const marks = [...svg.querySelectorAll("[data-seed]")];
    if (marks.length) {
      // The page's own tooltip instead of the browser's.
      marks.forEach((mark) => mark.querySelector("title")?.remove());
      svg.addEventListener("pointermove", (event) => tell(near(svg, event.clientX, event.clientY)));
      svg.addEventListener("pointerleave", () => tell(null));
      const card = svg.closest(".card");
      card.addEventListener("blur", () => tell(null));
      card.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (event.key === "Escape") tell(null);
        if (!step) return;
        event.preventDefault();
        const seen = marks.filter((mark) => !mark.closest(".off"));
        const at = seen.indexOf(lit);
        if (seen.length) tell(seen[(at < 0 ? (step > 0 ? 0 : seen.length - 1) : at + step + seen.length) % seen.length]);
      });
      const hint = make("span", "Point at a mark, or focus the figure and use ← →, to see its seed, job and value.", tools);
      hint.className = "note";
    }
    figure.append(tools);
  });
  document.body.append(tip);
  addEventListener("scroll", () => lit && place(lit), { passive: true, capture: true });
  document.querySelector("footer").append(say);
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((element) => { element.open = true; }));
})();
