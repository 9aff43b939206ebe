import { render } from "preact";
import { followLinks } from "./lib/url";
import { App } from "./shell/app";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/shell.css";

followLinks(document);
const root = document.getElementById("app");
if (root) render(<App />, root);
