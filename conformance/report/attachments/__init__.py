"""What a report shows of exchanges: their text, and the lines that ask the same again."""

from conformance.report.attachments.curl import again, curl_line
from conformance.report.attachments.diagram import diagram
from conformance.report.attachments.excerpt import excerpt
from conformance.report.attachments.text import exchange_line, exchange_text

__all__ = ["again", "curl_line", "diagram", "excerpt", "exchange_line", "exchange_text"]
