// A link may bring the token behind its #, which browsers send to nobody. It is taken for a cookie, and leaves the address.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
if (token) {
  const here = location.pathname + location.search;
  history.replaceState(null, "", here);
  fetch("/live/session", {
    method: "POST",
    body: new URLSearchParams({ token, to: here }),
    redirect: "manual",
    credentials: "same-origin",
  }).then((answer) => {
    // A redirection is the answer to a token that opens; its target is asked for by the address bar.
    if (answer.type === "opaqueredirect" || answer.ok) location.reload();
    else document.getElementById("why").textContent = "The token in the link opens nothing here: it is of an earlier run, was revoked, or may not read.";
  });
}
