// The one entry of the front end. Behaviour hangs on attributes; each module owns one of them.
import htmx from "htmx.org";
import { watchAhead } from "./ahead.js";
import { watchChartFiles } from "./chart-csv.js";
import { watchCharts } from "./charts.js";
import { watchCondition } from "./condition.js";
import { watchCopy } from "./copy.js";
import { watchEditing } from "./editing.js";
import { watchFocus } from "./focus.js";
import { watchFormats } from "./formats.js";
import { watchKeys } from "./keyboard.js";
import { watchMeanwhile } from "./meanwhile.js";
import { watchMenus } from "./menus.js";
import { watchPalette } from "./palette.js";
import { watchPeek } from "./peek.js";
import { watchPulses } from "./pulse.js";
import { watchRequests } from "./requests.js";
import { watchRows } from "./rows.js";
import { watchStart } from "./start.js";
import { watchTabs } from "./tabs.js";
import { watchTheme } from "./theme-toggle.js";
import { watchToasts } from "./toasts.js";
import { watchTogether } from "./together.js";
import { watchTouches } from "./touch.js";
import { watchUploads } from "./upload.js";

// Going back loads the page anew: a fragment's answer can never be shown as a page.
htmx.config.history = "reload";
htmx.config.includeIndicatorCSS = false;

watchAhead(); // before all who listen for keys
watchTheme();
watchRequests();
watchToasts();
watchPeek(); // before the menus: the Escape that closes one leaves the panel alone
watchMenus();
watchTabs();
watchTouches(); // before the keys: a letter after `l` is its
watchPulses(); // before the keys: `g` in its dialog is a colour
watchKeys();
watchPalette();
watchRows();
watchTogether();
watchEditing();
watchCondition();
watchMeanwhile(); // after the condition: what it refuses is not swapped
watchFocus(); // after the editing: the form that came takes the focus itself
watchCopy();
watchFormats();
watchUploads();
watchCharts();
watchChartFiles();
watchStart();
