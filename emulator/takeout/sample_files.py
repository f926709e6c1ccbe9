"""Small files that come with the sample's mail: a one-page PDF, a sheet of readings, an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.takeout.sample_mail import Attachment

if TYPE_CHECKING:
    import random


def leaflet(filename: str, line: str) -> Attachment:
    """A PDF of one page with one line on it."""
    text = line.encode("latin-1", "replace").replace(b"\\", b"").replace(b"(", b"\\(").replace(b")", b"\\)")
    stream = b"BT /F1 14 Tf 60 760 Td (" + text + b") Tj 0 -28 Td (Brightwater Sensors, Gothenburg) Tj ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> >> >>"
        ),
        b"<< /Length " + str(len(stream)).encode() + b" >>\nstream\n" + stream + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += str(number).encode() + b" 0 obj\n" + content + b"\nendobj\n"
    table = b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    end = f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n".encode()
    head = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    return Attachment(filename, "application/pdf", body + head + table + end)


def readings(rng: random.Random, product: str) -> Attachment:
    """A table of measured values, one every five minutes."""
    lines = ["time;sensor;value;unit"]
    value = rng.uniform(0.2, 0.9)
    for minute in range(0, 180, 5):
        value = max(0.05, value + rng.uniform(-0.04, 0.045))
        lines.append(
            f"2026-10-{1 + minute % 28:02d}T{minute // 60:02d}:{minute % 60:02d};{product}-{minute % 3};{value:.3f};NTU"
        )
    return Attachment("export.csv", "text/csv", "\n".join(lines).encode())


def order_sheet(slots: dict[str, str]) -> Attachment:
    """A purchase order as plain text."""
    text = (
        f"PURCHASE ORDER {slots['number']}\n\nBuyer: {slots['firm']}, {slots['city']}\n"
        f"Item: {slots['quantity']} x {slots['product']}\n"
        f"Price: {slots['offer']} EUR\nDeliver to: {slots['site']}\n"
    )
    return Attachment(f"PO {slots['number']}.txt", "text/plain", text.encode())
