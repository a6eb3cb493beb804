// Prints a request as hookdev captures it, and responds 200.
function request(method, url, body, params) {
  const { host, pathname, search } = new URL(url);
  const headers = [["host", host], ...Object.entries(params.headers)];
  console.log(JSON.stringify({ kind: "delivery", hookdev: 1, request: { method, target: pathname + search, headers, body } }));
  return { status: 200 };
}

export default { request };
