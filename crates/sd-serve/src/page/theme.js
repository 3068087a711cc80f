// Applies the chosen theme before the page is painted. It is no module, because modules run later.
document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "system";
