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
  document.querySelectorAll("figure[data-name]").forEach((figure) => {
    const svg = figure.querySelector("svg");
    if (!svg) return;
    const tools = document.createElement("div");
    tools.className = "tools";
    const button = make("button", "Save SVG", tools);
    button.type = "button";
    button.addEventListener("click", () => save(svg.outerHTML, "image/svg+xml", `${figure.dataset.name}.svg`));
    figure.append(tools);
  });
  document.querySelector("footer").append(say);
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((element) => { element.open = true; }));
})();
