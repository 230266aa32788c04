/** Elements and attributes of HTML, SVG and old browsers by what they can do. */

import { allocate, keepCall } from "sentinel/arena";
import { WordTable } from "./word_table";

/** What an attribute can do. */
export class Attribute {
  static readonly HARMLESS: u32 = 0;
  /** Its value is a script, or loads one. */
  static readonly SCRIPT: u32 = 0x73; // s
  /** Its value is a URL. */
  static readonly URL: u32 = 0x75; // u
  /** Its value is a style, in which old browsers run scripts. */
  static readonly STYLE: u32 = 0x79; // y
  /** Its value is the name of another attribute. */
  static readonly NAME: u32 = 0x6e; // n
}

const ELEMENTS: string[] = [
  "x",
  "applet base bgsound comment embed event-source frame frameset handler iframe ilayer import isindex layer link listener math meta noembed noframes noscript object param plaintext portal script style template vmlframe xml xmp xss",
];

const ATTRIBUTES: string[] = [
  "s",
  "datasrc datafld dataformatas dynsrc formaction fscommand seeksegmenttime srcdoc xmlns xmlns:xlink onabort onactivate onafterprint onafterscriptexecute onafterupdate onanimationcancel onanimationend onanimationiteration onanimationstart onauxclick onbeforeactivate onbeforecopy onbeforecut onbeforedeactivate onbeforeeditfocus onbeforeinput onbeforematch onbeforepaste onbeforeprint onbeforescriptexecute onbeforetoggle onbeforeunload onbeforeupdate onbegin onblur onbounce oncancel oncanplay oncanplaythrough oncellchange onchange onclick onclose oncommand oncontextlost oncontextmenu oncontextrestored oncontrolselect oncopy oncuechange oncut ondataavailable ondatasetchanged ondatasetcomplete ondblclick ondeactivate ondrag ondragdrop ondragend ondragenter ondragexit ondragleave ondragover ondragstart ondrop ondurationchange onemptied onend onended onerror onerrorupdate onfilterchange onfinish onfocus onfocusin onfocusout onformchange onformdata onforminput onfullscreenchange onfullscreenerror ongotpointercapture onhashchange onhelp oninput oninvalid onkeydown onkeypress onkeyup onlanguagechange onlayoutcomplete onload onloadeddata onloadedmetadata onloadend onloadstart onlosecapture onlostpointercapture onmediacomplete onmediaerror onmessage onmessageerror onmousedown onmouseenter onmouseleave onmousemove onmouseout onmouseover onmouseup onmousewheel onmove onmoveend onmovestart onmozfullscreenchange onoffline ononline onorientationchange onoutofsync onpagehide onpagereveal onpageshow onpageswap onpaste onpause onplay onplaying onpointercancel onpointerdown onpointerenter onpointerleave onpointermove onpointerout onpointerover onpointerrawupdate onpointerup onpopstate onprogress onpropertychange onratechange onreadystatechange onrejectionhandled onrepeat onreset onresize onresizeend onresizestart onresume onreverse onrowdelete onrowenter onrowexit onrowinserted onrowsdelete onrowsinserted onscroll onscrollend onsearch onsecuritypolicyviolation onseek onseeked onseeking onselect onselectionchange onselectstart onshow onslotchange onsnapchanged onsnapchanging onstalled onstart onstop onstorage onsubmit onsuspend onsyncrestored ontimeerror ontimeupdate ontoggle ontouchcancel ontouchend ontouchmove ontouchstart ontrackchange ontransitioncancel ontransitionend ontransitionrun ontransitionstart onunhandledrejection onunload onurlflip onvolumechange onwaiting onwebkitanimationend onwebkitanimationiteration onwebkitanimationstart onwebkitmouseforceup onwebkitplaybacktargetavailabilitychanged onwebkittransitionend onwebkitwillrevealbottom onwheel onzoom",
  "u",
  "action archive background by cite classid codebase data folder from href longdesc lowsrc manifest ping poster profile src srcset to usemap values xlink:href",
  "y",
  "filter style",
  "n",
  "attributename",
];

/** Longest name that is looked up. */
const NAME_BYTES_MAX: i32 = 48;

let elements: WordTable | null = null;
let attributes: WordTable | null = null;
/** A name without its NULs, which browsers pass over. */
let name: usize = 0;

/** Makes the tables; must be called in `onConfigure`. */
export function prepareXssWords(): void {
  if (elements !== null) return;
  elements = new WordTable(ELEMENTS);
  attributes = new WordTable(ATTRIBUTES);
  name = allocate(NAME_BYTES_MAX);
  keepCall();
}

/** Whether an element by itself can run or load something. */
export function isActiveElement(at: usize, to: usize): bool {
  const length = withoutNuls(at, to);
  if (length < 3) return false;
  // All of SVG and of XSL.
  const first = load<u32>(name) & 0xdfdfdf;
  if (first == 0x475653 || first == 0x4c5358) return true;
  return elements!.kindOf(name, length) != 0;
}

/** What an attribute can do: one of `Attribute`. */
export function attributeKind(at: usize, to: usize): u32 {
  const length = withoutNuls(at, to);
  return length < 2 ? Attribute.HARMLESS : attributes!.kindOf(name, length);
}

function withoutNuls(at: usize, to: usize): i32 {
  let length: i32 = 0;
  for (let from = at; from < to; from++) {
    const byte = load<u8>(from);
    if (byte == 0) continue;
    if (length == NAME_BYTES_MAX) return 0;
    store<u8>(name + length++, byte);
  }
  return length;
}
