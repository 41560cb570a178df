// Dark and light: as the system says, until the reader chooses. Charts are drawn again when it changes.

const theme = { listeners: [] };

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

// The colour of a name in page.css, as it is now.
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function startTheme() {
  const button = byId("theme");
  const told = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `Use ${isDark() ? "light" : "dark"} colours`);
    for (const listener of theme.listeners) listener();
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    told();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", told);
  told();
}
