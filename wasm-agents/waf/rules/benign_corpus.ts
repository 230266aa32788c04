/**
 * Requests that nobody should refuse: what browsers, apps and services send, and what people write into forms.
 * Texts are chosen to come close to what attacks look like.
 */

/** One request; a body belongs to its content type. */
export interface BenignRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What people write: sent as the argument of a query, in a form, and inside JSON. */
export const TEXTS: readonly string[] = [
  // names and addresses
  "Conan O'Brien",
  "D'Angelo & Sons",
  "Sinéad O'Connor",
  "Jean-Luc d'Ormesson",
  "O'Reilly; Media",
  "L'Oréal Paris",
  "Rock 'n' Roll",
  "12 rue de l'Église, 75001 Paris",
  "Calle 5 #12-34, Bogotá",
  "Apt. #4B; ring twice",
  "c/o Müller GmbH & Co. KG",
  "221B Baker Street (upper floor)",
  "Mr. & Mrs. Smith",
  '"Big" Jim O\'Neill',
  "Łódź, ul. Piotrkowska 12/14",
  "AT&T",
  "Procter & Gamble; R&D",
  // searches
  "running shoes",
  "select a plan from the list",
  "how to drop a table reservation",
  "union square hotel",
  "where to eat in order by price",
  "best of 2019 or 2020",
  "cats and dogs",
  "1 or 2 bedrooms",
  "salt & pepper",
  "C# vs C++",
  "JavaScript: The Good Parts (2008)",
  "node.js tutorial",
  "price < 100",
  "price <100 and >50",
  "5 > 3",
  "I <3 you",
  "a <- b",
  "100% cotton",
  "50% off!",
  "AC/DC live",
  "24/7 support",
  "yes/no",
  "and/or",
  "what's new?",
  "it's 5 o'clock",
  "the '90s",
  "rock & roll",
  "R.E.M.",
  "...",
  "???",
  "!!!",
  "#1 dad",
  "@home",
  "$100",
  "~20 km",
  "a*b",
  "a^2 + b^2 = c^2",
  "x = y + 1",
  "if a = b then c",
  "1+1=2",
  "2 + 2 = 4 and 3 + 3 = 6",
  "e=mc^2",
  "f(x) = x^2 - 1",
  "(a+b)*(c-d)",
  "sin(x)/cos(x)",
  "[1, 2, 3]",
  "{a, b, c}",
  "/home/garden",
  "bed/bath",
  "C:",
  "A/B test",
  "TCP/IP",
  "either/or",
  "he/she",
  "km/h",
  "n/a",
  "http://example.com/",
  "https://www.example.org/path?x=1&y=2#top",
  "www.example.com",
  "example.com/about",
  "user@example.com",
  "first.last+tag@mail.example.co.uk",
  "+49 (0)30 123456-78",
  "(555) 123-4567; ext. 12",
  "::1",
  "2024-05-01T12:00:00Z",
  "12:30",
  "1,234.56 €",
  "£5",
  "¥1000",
  "№ 5",
  "§ 12 Abs. 3",
  "ISBN 978-3-16-148410-0",
  "SKU-00123_A",
  "v1.2.3-beta+exp.sha",
  // prose in English
  "Please select one of the options from the menu below and let us know where you want to meet.",
  "We had to drop the table off at my parents' house, and they updated the set of chairs.",
  "Insert the key into the lock; delete the old one from your ring; then execute the plan.",
  "I'd like to order by phone, group by family, having two kids and a dog. Where should we go?",
  "The union members select their delegates from all regions.",
  "Create a table for four; alter the database of guests if you can.",
  "She said \"I'm fine\" and left; he didn't say anything -- not a word.",
  "Don't forget: the meeting's at 3; bring the cat, the dog and the kids.",
  "Is this a test? What do you think? Let me know (or not)!",
  "My script is on the desk. Alert the others, confirm the date & prompt them to reply.",
  "The document cookie recipe is in the window location near the door.",
  "On load of the truck = 5 tons, on error call the office.",
  "I love the onset = beginning, and the onus = burden.",
  "You can sleep (well) here; benchmark (noun): a standard.",
  "Count (on me), char (the fish), ascii (art), if (maybe), left (over), right (now).",
  "It depends on the system (see below) and exec (short for executive) decisions.",
  "cat; dog; more; less; head; tail; find; sort; touch; kill; sleep; type; date; who",
  "Let me know if you want more; find out who is coming; echo my thanks.",
  "We need the id; the host name; the time; and the source.",
  "You & more; us & find; you | me; this && that",
  "Ping me when you're there | I'll come down",
  "The man who sold the world; who knew?",
  "Rated 5/5 -- would buy again!!! :-) ;-) <3",
  'Question: what\'s the difference between "their" and "there" or "they\'re"?',
  "Tom's or Jerry's? Either's fine. 'Tis the season.",
  "I said 'yes' or 'no', and she said \"maybe\" and \"later\".",
  "Half-life: 5730 ± 40 years; see Libby (1952), p. 12; cf. [3].",
  "TL;DR: it works. P.S. -- thanks!",
  "One of the users' comments was: \"'great' -- 5 stars\".",
  "The file is in my documents folder, under users. The window's open.",
  "Go to settings -> privacy -> cookies and switch the third one off.",
  "To whom it may concern:\r\n\r\nI am writing to ask about my order.\r\n\r\nKind regards,\r\nJ. Doe\r\n-- \r\nSent from my phone",
  "Subject of the day: how to cook\r\nIngredients: 2 eggs, 1 cup flour\r\nTime: 30 min\r\n1. Mix\r\n2. Bake",
  "- first item\r\n- second item; see above\r\n* third (optional)\r\n\r\n> quoted line\r\n> another\r\n\r\nThanks",
  "Total: $1,299.00 (incl. 19% VAT = $207.40); due 30.06.; ref #4711",
  "Our sizes: S (36-38), M (40-42), L (44-46); colours: red/blue/black.",
  "WHERE ARE YOU FROM? I WANT TO JOIN AND SELECT A GROUP!",
  "The table has 3 legs, having lost 1 = 25% of them, like all of his.",
  "Get the latest update set from the dealer, then set it where you like.",
  "I want to change my password, username and e-mail from the old to the new one.",
  "between 5 and 10 users like this, 3 or more are admins",
  "He is not null and void; it is true or false, not both.",
  "Today's special: fish 'n' chips = £9; mushy peas + 50p",
  // other languages
  "Grüße aus Köln – schöne Füße, süße Äpfel & öde Möbel",
  "Könnten Sie mir bitte bis Freitag Bescheid geben? Danke; bis dann!",
  "Ist das Ihr Ernst? 'Ja', sagte er, \"und wie!\"",
  "C'est l'été, j'ai l'impression qu'il n'y a personne aujourd'hui",
  "Où est-ce qu'on mange ? À l'hôtel ou chez l'oncle ?",
  "¿Dónde está la biblioteca? ¡Qué día!",
  "Mañana; pasado mañana o el lunes",
  "Perché no? L'amore è un'altra cosa",
  "Não há problema; até amanhã!",
  "Привет, как дела? Всё хорошо; спасибо!",
  "Выберите товар из списка и укажите, где его доставить",
  "你好,世界",
  "请从列表中选择一个选项。",
  "これはテストです。ありがとう!",
  "東京都千代田区1-1",
  "안녕하세요, 반갑습니다",
  "مرحبا بالعالم",
  "שלום עולם",
  "สวัสดีครับ",
  "नमस्ते दुनिया",
  "Γειά σου Κόσμε",
  "Zażółć gęślą jaźń",
  "Příliš žluťoučký kůň",
  "Árvíztűrő tükörfúrógép",
  "İstanbul'da güneşli bir gün",
  "Tiếng Việt có dấu",
  "😀👍🏽 🎉 so happy!!! ❤️",
  "“Smart quotes” and ‘single ones’ – dashes — too…",
  // code-like text, as it stands in questions and tickets
  "How do I write a for loop in Python? for i in range(10): print(i) gives an error.",
  "The function add(a, b) returns a + b; call it with add(1, 2).",
  "npm install fails with exit code 1 on Windows 10",
  'git commit -m "fix: typo" && git push does not work for me',
  "Use `const x = 5;` instead of `var x = 5;`",
  "Run `npm test` first, then open a pull request.",
  "$(document).ready(...) is from jQuery, isn't it?",
  "Error: Cannot read properties of undefined (reading 'map') at App.js:12:5",
  "java.lang.NullPointerException at com.example.shop.Cart.add(Cart.java:42)",
  'Exception in thread "main" java.io.FileNotFoundException: data.csv (No such file or directory)',
  "Traceback (most recent call last): File \"app.py\", line 3, in <module> KeyError: 'name'",
  '{"name": "value", "list": [1, 2, 3], "nested": {"a": null}}',
  '<p>Hello <b>world</b>, see <a href="https://example.com/page">this page</a>.</p>',
  "color: #ff0000; margin: 0 auto; width: calc(100% - 20px);",
  "^[A-Z][a-z]+$ is the pattern we use",
  "SGVsbG8gd29ybGQsIGhvdyBhcmUgeW91Pw==",
  "550e8400-e29b-41d4-a716-446655440000",
  "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08",
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2lnbmF0dXJl",
  "key=value;other=value2",
  "a:1,b:2;c:3",
  "O(n log n) vs. O(n^2)",
  "{{name}}, your order {{order}} has shipped",
  "Dear {first_name}, thanks!",
  "${price} is in the template",
  "| col1 | col2 |\r\n|------|------|\r\n| a | b |",
  "# Title\r\n\r\nSome *emphasis* and **strong** text with `code`.",
  "if (x > 0) { return x; } else { return -x; }",
  "SELECT is a keyword, so is FROM",
  "std::vector<int> v; v.push_back(1);",
  "List<String> names = new ArrayList<>();",
  "x -> x + 1",
  'print("hello")',
];

const BROWSER: Readonly<Record<string, string>> = {
  "Host": "shop.example.com",
  "User-Agent":
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
  "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "Accept-Language": "en-GB,en;q=0.9,de;q=0.8",
  "Accept-Encoding": "gzip, deflate, br",
};

const AGENTS: readonly string[] = [
  "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
  "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
  "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22H352 [FBAN/FBIOS;FBAV/564.0.0.57.71;FBBV/985438427;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBSV/18.7;FBSS/3;FBCR/;FBID/phone;FBLC/de_DE]",
  "curl/8.5.0",
  "Wget/1.21.4",
  "python-requests/2.32.3",
  "okhttp/4.12.0",
  "Go-http-client/2.0",
  "PostmanRuntime/7.39.0",
  "kube-probe/1.29",
  "Prometheus/2.53.0",
  "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
  "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)",
  "Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ3A.230901.001)",
];

const TARGETS: readonly string[] = [
  "/",
  "/favicon.ico",
  "/robots.txt",
  "/.well-known/security.txt",
  "/.well-known/acme-challenge/Zm9v-bar_baz",
  "/.well-known/openid-configuration",
  "/assets/app.3f2a1b.js",
  "/css/style.css?v=1.2.3",
  "/img/photo%20of%20cat.jpg",
  "/products/42/reviews?page=2&sort=-date&filter[colour]=red&filter[size][]=38&filter[size][]=39",
  "/wp-admin/load-scripts.php?c=0&load%5Bchunk_0%5D=jquery-core,jquery-migrate,utils&ver=6.5",
  "/index.php?option=com_content&view=article&id=12&Itemid=101",
  "/login?next=%2Faccount%2Forders%3Fpage%3D2",
  "/oauth/authorize?response_type=code&client_id=abc&redirect_uri=http%3A%2F%2F127.0.0.1%3A51004%2Fcallback&scope=openid%20profile&state=xyz&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
  "/share?url=https%3A%2F%2Fwww.example.org%2Farticle%3Fid%3D5%26utm_source%3Dnewsletter&title=What%27s%20new%3F",
  "/?utm_source=google&utm_medium=cpc&utm_campaign=spring_sale&gclid=EAIaIQobChMI-_abc123&fbclid=IwAR1dug0BYxe0ukhZ2vKrdQwLA",
  "/search?q=%C3%BCber&lang=de",
  "/search?q=caf%E9",
  "/api/v1/users?fields=id,name,email&limit=50&offset=100",
  "/api/items?filter=price%20gt%2010%20and%20name%20eq%20%27shoe%27&$top=10&$orderby=name%20desc",
  "/maps/@52.5200,13.4050,12z",
  "/wiki/C_(programming_language)",
  "/wiki/AC/DC",
  "/~smith/index.html",
  "/a/b/../c.html",
  "/download/report-2024.pdf",
  "/graphql?query=%7Buser(id%3A1)%7Bname%7D%7D",
  "/checkout/success?session_id=cs_test_a1b2c3d4",
  "/calendar?from=2024-05-01T00:00:00%2B02:00&to=2024-06-01",
  "/tags/c%2B%2B",
  "/t/What-is-SQL-injection/123",
  "/static/fonts/Inter.ttf",
  "/img?w=640&h=480&fit=crop&auto=format%2Ccompress&src=https%3A%2F%2Fcdn.example.net%2Fa.jpg",
  "/api/orders/550e8400-e29b-41d4-a716-446655440000/items;v=2",
];

const COOKIES: readonly string[] = [
  "session=5f8a9c3b7e1d4f60; theme=dark",
  "_ga=GA1.2.1234567890.1700000000; _gid=GA1.2.987654321.1700000001; _gat=1",
  "CookieConsent={stamp:%27abc==%27%2Cnecessary:true%2Cpreferences:true%2Cstatistics:false%2Cver:1}",
  "cart=%7B%22items%22%3A%5B%7B%22id%22%3A1%2C%22qty%22%3A2%7D%5D%7D",
  "jwt=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2lnbmF0dXJl; lang=en-GB",
  "__utmz=1.1700000000.1.1.utmcsr=google|utmccn=(organic)|utmcmd=organic|utmctr=(not%20provided)",
  "wordpress_logged_in_abc=admin%7C1700000000%7Cabcdef%7C0123456789",
  "prefs=a:1|b:2|c:3; seen=1,2,3",
  "PHPSESSID=4v2b8c7d6e5f4g3h2i1j; csrftoken=Abc-123_xyz",
];

const REFERERS: readonly string[] = [
  "https://www.google.com/",
  "https://www.google.com/search?q=how+to+select+from+a+list&ie=utf-8",
  "https://shop.example.com/search?q=running+shoes&page=2",
  "android-app://com.google.android.googlequicksearchbox/",
  "https://example.com/page#:~:text=some%20words",
  "http://localhost:3000/",
  "https://t.co/AbC123",
  "https://www.facebook.com/l.php?u=https%3A%2F%2Fshop.example.com%2F&h=AT0abc",
];

const JSON_BODIES: readonly unknown[] = [
  {
    query: "query Orders($first: Int!) { orders(first: $first) { edges { node { id total } } } }",
    variables: { first: 10 },
  },
  {
    jsonrpc: "2.0",
    method: "eth_call",
    params: [{
      to: "0x6b175474e89094c44da98b954eedeac495271d0f",
      data: "0x70a08231",
    }, "latest"],
    id: 1,
  },
  {
    ref: "refs/heads/main",
    commits: [{
      message: "fix: don't drop table rows on select; update set\n\nCloses #12",
      author: { name: "A. O'Neil" },
    }],
  },
  {
    id: "evt_1",
    object: "event",
    type: "charge.succeeded",
    data: {
      object: {
        amount: 2000,
        currency: "eur",
        description: "Order #12; 2 x shoe",
        receipt_url: "https://pay.example.com/receipts/abc",
      },
    },
  },
  {
    operations: [{ op: "replace", path: "/name", value: "New name" }, {
      op: "remove",
      path: "/tags/0",
    }],
  },
  {
    resourceSpans: [{
      scopeSpans: [{
        spans: [{
          name: "GET /users/{id}",
          attributes: [{
            key: "http.url",
            value: { stringValue: "http://users.example.net/users/1" },
          }],
        }],
      }],
    }],
  },
  {
    html:
      '<p>Dear all,</p><p>see <a href="https://example.com">this</a> &amp; reply.</p><ul><li>one</li><li>two</li></ul><img src="https://cdn.example.com/a.png" alt="A" width="100">',
    subject: "Re: Q2",
  },
  {
    markdown: "# Notes\n\n* it's fine\n* `let x = 1`\n\n```js\nconst sum = (a, b) => a + b;\n```\n",
  },
  {
    filter: { price: { gte: 10, lt: 50 }, name: "shoe" },
    sort: [{ field: "price", order: "asc" }],
    from: 0,
    size: 20,
  },
  {
    messages: [{
      role: "user",
      content: "Explain what SELECT does in SQL, and when to use UNION.",
    }],
    model: "small",
    temperature: 0.2,
  },
  {
    coordinates: [[13.4, 52.5], [13.5, 52.6]],
    type: "LineString",
    properties: { name: "A–B" },
  },
  [1, "two", null, true, { three: 3.0 }],
];

/** Every request of the corpus. */
export function benignRequests(): BenignRequest[] {
  const encode = (text: string) => encodeURIComponent(text).replaceAll("%20", "+");
  const get = (
    target: string,
    headers: Record<string, string> = {},
  ): BenignRequest => ({
    method: "GET",
    target,
    headers: { ...BROWSER, ...headers },
    body: "",
  });
  const post = (type: string, body: string): BenignRequest => ({
    method: "POST",
    target: "/submit",
    headers: {
      ...BROWSER,
      "Content-Type": type,
      "Origin": "https://shop.example.com",
    },
    body,
  });
  const upload = (text: string) =>
    `--X1\r\nContent-Disposition: form-data; name="title"\r\n\r\n${text}\r\n` +
    `--X1\r\nContent-Disposition: form-data; name="file"; filename="Report 2024 (final).pdf"\r\n` +
    `Content-Type: application/pdf\r\n\r\n%PDF-1.7 stream endstream\r\n--X1--\r\n`;
  return [
    // A line break belongs into a form, not into the query of a link.
    ...TEXTS.filter((text) => !text.includes("\n")).map((text) => get(`/search?q=${encode(text)}&page=1`)),
    ...TEXTS.map((text) =>
      post(
        "application/x-www-form-urlencoded",
        `name=Jo&comment=${encode(text)}&agree=on`,
      )
    ),
    ...TEXTS.map((text) =>
      post(
        "application/json",
        JSON.stringify({ title: "Hello", comment: text }),
      )
    ),
    ...TEXTS.filter((_, index) => index % 5 === 0).map((text) =>
      post("multipart/form-data; boundary=X1", upload(text))
    ),
    ...AGENTS.map((agent) => get("/", { "User-Agent": agent })),
    ...TARGETS.map((target) => get(target)),
    ...COOKIES.map((cookie) => get("/account", { Cookie: cookie })),
    ...REFERERS.map((referer) => get("/landing", { Referer: referer })),
    ...JSON_BODIES.map((body) => post("application/json", JSON.stringify(body))),
  ];
}
