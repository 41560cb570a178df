// The bar on top says in which section the reader is.

function startSections() {
  const links = new Map(
    [...document.querySelectorAll("nav a")].map((link) => [link.getAttribute("href").slice(1), link]),
  );
  for (const [anchor, link] of links) if (!byId(anchor)) link.hidden = true;
  const seen = new Set();
  const watch = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) isIntersecting ? seen.add(target.id) : seen.delete(target.id);
      const first = [...links.keys()].find((anchor) => seen.has(anchor));
      for (const [anchor, link] of links) {
        if (anchor === first) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    },
    { rootMargin: "-20% 0px -60% 0px" },
  );
  for (const section of document.querySelectorAll("section[id]")) watch.observe(section);
  for (const block of document.querySelectorAll(".code")) block.append(copyButton(block));
}

function copyButton(block) {
  const text = block.querySelector("code").textContent;
  const button = make("button", {
    type: "button", class: "copy",
    click: async () => {
      await navigator.clipboard?.writeText(text);
      button.textContent = navigator.clipboard ? "Copied" : "Select and copy";
    },
  }, "Copy");
  return button;
}
