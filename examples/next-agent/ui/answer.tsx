import { memo, type ReactNode } from "react";
import { type Block, partsOf, readBlocks, readSpans, sectionsOf } from "../live/markdown.ts";
import style from "./answer.module.css";

/** An answer as far as it has come, with a cursor while more is expected. */
export function Answer({
  markdown,
  isGrowing,
}: {
  readonly markdown: string;
  readonly isGrowing: boolean;
}): ReactNode {
  return (
    <div className={style["answer"]} data-growing={isGrowing || undefined} data-testid="answer">
      {sectionsOf(markdown).map((section, place) => (
        <Section key={place} markdown={section} />
      ))}
    </div>
  );
}

const Section = memo(function Section({ markdown }: { readonly markdown: string }): ReactNode {
  return (
    <div className={style["section"]}>
      {partsOf(markdown).map((part, place) => (
        <Part key={place} markdown={part} />
      ))}
    </div>
  );
});

const Part = memo(function Part({ markdown }: { readonly markdown: string }): ReactNode {
  return (
    <div className={style["part"]}>
      {readBlocks(markdown).map((block, place) => (
        <BlockView key={place} block={block} />
      ))}
    </div>
  );
});

function BlockView({ block }: { readonly block: Block }): ReactNode {
  switch (block.kind) {
    case "heading":
      return <h3>{spans(block.text)}</h3>;
    case "code":
      return (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- or no key scrolls it in some browsers
        <pre tabIndex={0}>
          <code>{block.text}</code>
        </pre>
      );
    case "quote":
      return (
        <blockquote>
          {block.blocks.map((inner, place) => (
            <BlockView key={place} block={inner} />
          ))}
        </blockquote>
      );
    case "list": {
      const items = block.items.map((item, place) => <li key={place}>{spans(item)}</li>);
      return block.isOrdered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
    case "table":
      return <TableView table={block} />;
    case "paragraph":
    default:
      return <p>{spans(block.text)}</p>;
  }
}

function TableView({ table }: { readonly table: Extract<Block, { kind: "table" }> }): ReactNode {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- or no key scrolls it in some browsers
    <section className={style["table"]} tabIndex={0} aria-label="Table">
      <table>
        <thead>
          <tr>
            {table.head.map((cell, column) => (
              <th key={column}>{spans(cell)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, place) => (
            <tr key={place}>
              {row.map((cell, column) => (
                <td key={column}>{spans(cell)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function spans(line: string): ReactNode {
  return readSpans(line).map(({ kind, text }, place) => {
    if (kind === "code") return <code key={place}>{text}</code>;
    if (kind === "strong") return <strong key={place}>{text}</strong>;
    if (kind === "emphasis") return <em key={place}>{text}</em>;
    return text;
  });
}
