// The start of the console: shows where the service is described.

const link = document.createElement("a");
link.href = "docs";
link.textContent = "API";
document.body.append(link);
