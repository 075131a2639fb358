"""What the browser is asked again and again."""

from __future__ import annotations

import json
from typing import Any


def settle(browser: Any) -> None:
    """Wait until nothing is under way and nothing has changed for 0.3 s."""
    browser.set_script_timeout(60)
    browser.execute_async_script(
        """const done = arguments[0], busy = () => document.querySelector('main[aria-busy]');
        const later = () => setTimeout(() => { if (busy()) timer = later(); else done(); }, 300);
        let timer = later();
        new MutationObserver(() => { clearTimeout(timer); timer = later(); })
          .observe(document.body, { subtree: true, childList: true, attributes: true });"""
    )


def violations(browser: Any, axe: str) -> list[tuple[str, list[str]]]:
    """What axe-core finds against levels A and AA: rule, and the first elements that break it."""
    browser.execute_script(axe)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    # Without preload: it would read style sheets by a request, which a page from disk may not make.
    rules = {"runOnly": {"type": "tag", "values": tags}, "preload": False}
    found = browser.execute_async_script(
        "axe.run(document, arguments[0]).then(r => arguments[1](JSON.stringify(r.violations)))",
        rules,
    )
    return [(v["id"], [n["html"][:200] for n in v["nodes"]][:3]) for v in json.loads(found)]
