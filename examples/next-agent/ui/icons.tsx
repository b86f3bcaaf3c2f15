import type { ReactNode, SVGProps } from "react";

type IconProps = Pick<SVGProps<SVGSVGElement>, "className">;

function icon(paths: ReactNode): (props: IconProps) => ReactNode {
  return function Icon({ className }) {
    return (
      <svg
        className={className}
        viewBox="0 0 20 20"
        width="20"
        height="20"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.6"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
      >
        {paths}
      </svg>
    );
  };
}

export const ChevronIcon = icon(<path d="m8 5 5 5-5 5" />);
export const PlusIcon = icon(<path d="M10 4v12M4 10h12" />);
export const MenuIcon = icon(<path d="M3.500 6h13M3.500 10h13M3.500 14h9" />);
export const CloseIcon = icon(<path d="m5.500 5.500 9 9m0-9-9 9" />);
export const SendIcon = icon(<path d="M10 16V4.500M5 9l5-5 5 5" />);
export const StopIcon = icon(
  <rect x="5.500" y="5.500" width="9" height="9" rx="1.500" fill="currentColor" />,
);
export const CheckIcon = icon(<path d="m4.500 10.500 3.500 3.500 7.500-8" />);
export const AlertIcon = icon(<path d="M10 6.500v4M10 13.500v.01M10 2.500 18 17H2Z" />);
export const CopyIcon = icon(
  <path d="M7.500 7.500V4a1 1 0 0 1 1-1H16a1 1 0 0 1 1 1v7.500a1 1 0 0 1-1 1h-3.500M4 7.500h7.500a1 1 0 0 1 1 1V16a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V8.500a1 1 0 0 1 1-1Z" />,
);
export const DownIcon = icon(<path d="M10 4v11.500M5 11l5 5 5-5" />);
export const MegaphoneIcon = icon(
  <path d="M3 8.500v3h2.500L14 16V4L5.500 8.500H3ZM16.500 8v4M6 11.500 7 16h2l-.7-3.500" />,
);
export const LeaveIcon = icon(<path d="M8 4H4.500v12H8M8.500 10H17m-3-3 3 3-3 3" />);
export const FileIcon = icon(<path d="M5 3h6.500L15 6.500V17H5ZM11 3v4h4M7.500 10.500h5M7.500 13.500h5" />);

/** The product's mark. */
export function Logo({ className }: IconProps): ReactNode {
  return (
    <svg className={className} viewBox="0 0 32 32" width="32" height="32" aria-hidden="true">
      <rect width="32" height="32" rx="9" fill="var(--accent)" />
      <path
        d="M23.500 7c-7 .3-12.300 4-13.700 11.200L8.500 25M11 18c4.500.6 8.300-1.200 10-4.700M15.500 12.800 11 18"
        fill="none"
        stroke="var(--accent-ink)"
        strokeWidth="2.200"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
