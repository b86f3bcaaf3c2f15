import assert from "node:assert/strict";
import { createElement, type ReactElement } from "react";
import { renderToString } from "react-dom/server";
import {
  TidingsProvider,
  useGap,
  useReconnect,
  useSend,
  useStatus,
  useUpdate,
  useUpdates,
} from "../../src/react/index.ts";
import { test } from "../support/suite.ts";

function Answer(): ReactElement {
  const { kind } = useStatus();
  const text = useUpdates("token", (state, payload) => state + String(payload), "from the server", {
    since: "e.5,*b.0",
  });
  useUpdate("done", () => assert.fail("nothing happens on the server"));
  useGap(() => assert.fail("nothing happens on the server"));
  useSend();
  useReconnect();
  return createElement("p", null, `${kind}: ${text}`);
}

test("the server renders the state it was given, and opens nothing", () => {
  const token = (): never => assert.fail("no token is asked for");
  const page = createElement(
    TidingsProvider,
    { url: "https://relay.example.com", token, since: "e.5,*b.0" },
    createElement(Answer),
  );
  assert.equal(renderToString(page), "<p>connecting: from the server</p>");
});

test("a hook without a provider says so", () => {
  assert.throws(() => renderToString(createElement(Answer)), /no <TidingsProvider> above/);
});
