"""The page's style: light and dark, narrow and wide, and on paper."""

STYLE = """
:root{color-scheme:light dark;--ink:#1a1d21;--soft:#5b636d;--faint:#717984;--line:#d9dde2;
--ground:#fff;--raised:#f5f6f8;--a:#2463c4;--b:#c4550a;--c:#2b7d3a;--d:#8a3fb0;--e:#b3261e;
--f:#0b7285;--g:#8a6d00;--warn:#b35900;--cell:36 99 196}
@media screen and (prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#a3abb5;--faint:#87909a;
--line:#353b43;--ground:#14171a;--raised:#1d2126;--a:#7fb0ff;--b:#ff9d5c;--c:#7fd18c;--d:#d39bf0;
--e:#ff8f87;--f:#63cfe0;--g:#e0c050;--warn:#ffb366;--cell:127 176 255}}
*{box-sizing:border-box}
body{font:15px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--ground);
max-width:1080px;margin:0 auto;padding:28px 20px 64px;font-variant-numeric:tabular-nums}
h1{font-size:26px;line-height:1.25;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:19px;margin:44px 0 10px;padding-top:14px;border-top:1px solid var(--line)}
h3{font-size:15px;margin:24px 0 6px}
p{margin:6px 0 10px;max-width:74ch}.soft{color:var(--soft)}.small{font-size:13px}
a{color:var(--a)}
nav{display:flex;flex-wrap:wrap;gap:4px 16px;margin:14px 0;font-size:14px}
.scroll{overflow-x:auto;margin:8px 0}
table{border-collapse:collapse;min-width:min(100%,420px)}
th,td{padding:5px 16px 5px 0;text-align:left;border-bottom:1px solid var(--line);
vertical-align:baseline}
th{font-weight:600;color:var(--soft);font-size:13px}td.n,th.n{text-align:right;white-space:nowrap}
tr.small td{color:var(--faint)}
.key{display:flex;flex-wrap:wrap;gap:12px;margin:18px 0}
.key div{background:var(--raised);border-radius:8px;padding:12px 18px;flex:1 1 150px}
.key b{display:block;font-size:27px;line-height:1.2;font-weight:600}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));gap:20px}
figure{margin:0}figcaption{font-size:13px;color:var(--soft);margin-top:4px}
svg{display:block;width:100%;height:auto;max-width:520px}svg.wide{max-width:none;min-width:900px}
svg text{font:12px system-ui,sans-serif;fill:var(--soft)}svg text.ink{fill:var(--ink)}
svg text.faint{fill:var(--faint)}
.legend{display:inline-flex;flex-wrap:wrap;gap:2px 14px}
.warning{border-left:3px solid var(--warn);padding:6px 14px;margin:6px 0;background:var(--raised);
max-width:none}
.cases{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,480px),1fr));gap:18px}
.case{background:var(--raised);border-radius:8px;padding:10px}
.case div{display:grid;grid-template-columns:repeat(auto-fit,minmax(106px,1fr));gap:6px}
.case img{width:100%;display:block;background:#000;border-radius:3px}
.case figcaption{font-size:11.5px;line-height:1.3}
.matrix td{text-align:right;min-width:64px;padding:8px 12px;border:1px solid var(--line)}
.matrix th{padding-right:12px}.matrix th:not(:first-child){text-align:right}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;margin:8px 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
code,pre{font:12.5px/1.45 ui-monospace,monospace}
pre{overflow:auto;background:var(--raised);padding:14px;border-radius:8px;max-height:480px}
ul.links{columns:19em;padding:0;list-style:none;font-size:14px}ul.links li{padding:2px 0}
@media(max-width:520px){.case div{grid-template-columns:1fr 1fr}
dl{grid-template-columns:1fr}dt{margin-top:6px}body{padding:18px 14px 40px}}
@media print{:root{color-scheme:light;--ground:#fff;--ink:#000;--raised:#f3f3f3;--line:#ccc;
--soft:#444;--faint:#777}body{max-width:none;padding:0;font-size:11pt}nav{display:none}
h2,h3{break-after:avoid}figure,.case,tr{break-inside:avoid}pre{max-height:none;
white-space:pre-wrap}.scroll{overflow:visible}svg.wide{min-width:0}}
"""
SERIES = ("--a", "--b", "--c", "--d", "--e", "--f", "--g")


def series_colour(place: int) -> str:
    """The colour of the nth curve, in either scheme."""
    return f"var({SERIES[place % len(SERIES)]})"
