"""A text without its courtesies: greetings, thanks, wishes and signatures are polite in every mail, also in one that tells of an outage."""

from __future__ import annotations

import re

SHORT = 10  # words up to which a sentence that begins with a courtesy is nothing else; a longer one loses its first words

_QUOTED = re.compile(r"^\s*>.*$", re.MULTILINE)
_REPLY = re.compile(r"^(?:on\b.{4,120}\bwrote:|-{2,}\s*original message\s*-{2,}|from:\s.+)$", re.IGNORECASE | re.MULTILINE)
_MARKS = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|https?://\S+|[*_`#|]+")  # links keep their words, Markdown's marks go
_SIGNED = re.compile(  # what stands below is a name, a job and a telephone
    r"^\W*(?:--|(?:(?:kind|best|warm|warmest|many)\s+)?(?:regards|wishes|greetings)|yours(?:\s+\w+)?|sincerely(?:\s+yours)?|cheers|all\s+the\s+best|best"
    r"|(?:many\s+)?thanks|thank\s+you|thx|sent\s+from\s+my\s.*)\W*$",
    re.IGNORECASE,
)
_END = re.compile(r"(?<=[.!?…])\s+|\n+")
_GREETING = re.compile(
    r"^\W*(?:hi|hello|hey|dear|good\s+(?:morning|afternoon|evening|day)|greetings|welcome\s+back)\b(?:\s+(?:again|there|all|everyone|everybody|team))*",
    re.IGNORECASE,
)
_COURTESY = re.compile(
    r"^\W*(?:(?:and|so|again|once\s+again|anyway),?\s+)*(?:"
    r"(?:many\s+|much\s+)?thanks(?:\s+(?:so|very)\s+much|\s+a\s+(?:lot|million)|\s+again|\s+in\s+advance)*"
    r"|(?:i(?:'d|\s+would)\s+like\s+to\s+|we(?:'d|\s+would)\s+like\s+to\s+)?thank\s+you(?:\s+(?:so|very)\s+much|\s+again|\s+in\s+advance)*"
    r"|(?:much|greatly|really|highly)\s+appreciated|(?:i|we)\s+(?:really\s+|would\s+(?:really\s+)?|greatly\s+)?appreciate"
    r"|(?:any|your)\s+(?:help|advice|support|assistance|feedback|input)\b.{0,40}\bappreciated"
    r"|(?:i\s+|we\s+)?(?:really\s+)?hope\s+(?:this|that\s+this|you|all|everything|that\s+you)\b(?!.*\bnot\b)"
    r"|(?:i(?:'m|\s+am)\s+|we(?:'re|\s+are)\s+)?looking\s+forward\s+to|(?:i|we)\s+look\s+forward\s+to"
    r"|(?:please\s+)?(?:let\s+(?:me|us)\s+know|feel\s+free|do\s+not\s+hesitate|don't\s+hesitate)"
    r"|have\s+a\s+(?:great|good|nice|lovely|wonderful|pleasant)|enjoy\s+your|(?:happy|merry)\s+(?:new\s+year|holidays|christmas|easter|friday|monday)"
    r"|(?:kind|best|warm|warmest)\s+(?:regards|wishes)|cheers|sincerely|yours\s+(?:sincerely|truly|faithfully)|all\s+the\s+best|take\s+care"
    r"|(?:nice|great|good|lovely|a\s+pleasure)\s+(?:to\s+(?:meet|see|talk|speak|hear)|meeting|talking|speaking|hearing|seeing|catching)\b"
    r"|pleased\s+to\s+meet|sorry\s+(?:to\s+(?:bother|trouble|disturb)|for\s+(?:the\s+)?(?:late|delay|delayed|slow))"
    r")(?!\w)",
    re.IGNORECASE,
)  # fmt: skip


def without_courtesy(text: str) -> list[str]:
    """The sentences that are left of a text. What it quotes and all below its signature is left out, too."""
    text = text.replace("\r\n", "\n").replace("’", "'")
    if quoted := _REPLY.search(text):
        text = text[: quoted.start()]
    kept: list[str] = []
    for line in _MARKS.sub(r"\1 ", _QUOTED.sub("", text)).split("\n"):
        if _SIGNED.match(line) and kept:
            break
        kept += [rest for sentence in _END.split(line) if (rest := _rest(sentence))]
    return kept


def _rest(sentence: str) -> str:
    """What a sentence says beside its courtesy; empty where it says nothing."""
    if greeting := _GREETING.match(sentence):
        named, _, after = sentence[greeting.end() :].partition(",")  # "Hi Anna, the export fails"
        sentence = after if _ or len(named.split()) <= 3 else sentence[greeting.end() :]
    while found := _COURTESY.match(sentence):
        if len(sentence.split()) <= SHORT:
            return ""
        sentence = sentence[found.end() :]
    sentence = sentence.strip()
    return sentence if re.search(r"[^\W\d_]", sentence) else ""
