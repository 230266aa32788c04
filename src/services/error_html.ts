/** The built-in error page: no script, nothing fetched, light and dark by the visitor's setting. */
export const ERROR_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{status}} {{title}}</title>
<style>
:root{color-scheme:light dark}
body{margin:0;min-height:100vh;display:grid;place-items:center;font:16px/1.5 system-ui,sans-serif;background:#f6f7f9;color:#1c2430}
main{max-width:32rem;padding:2rem;text-align:center}
b{font-size:4.5rem;line-height:1;color:#3f5bd9}
h1{margin:.5rem 0;font-size:1.4rem}
p{margin:.5rem 0 1.5rem;color:#596273}
small{color:#596273}
code{font-size:.85rem;overflow-wrap:anywhere}
a{color:inherit}
@media (prefers-color-scheme:dark){body{background:#12161d;color:#e6e9ef}b{color:#8aa0ff}p,small{color:#98a2b3}}
</style>
</head>
<body>
<main>
<b>{{status}}</b>
<h1>{{title}}</h1>
<p>{{message}}</p>
<small>Request ID: <code>{{request_id}}</code><br><a href="/">Back to the start page</a></small>
</main>
</body>
</html>
`;
