"""What a report shows of exchanges: their text, and the lines that ask the same again."""

from conformance.report.attachments.curl import again, curl_line
from conformance.report.attachments.text import exchange_line, exchange_text

__all__ = ["again", "curl_line", "exchange_line", "exchange_text"]
