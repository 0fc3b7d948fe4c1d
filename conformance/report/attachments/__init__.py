"""What a report shows of one exchange: its text, and the line that asks the same again."""

from conformance.report.attachments.curl import curl_line
from conformance.report.attachments.text import exchange_line, exchange_text

__all__ = ["curl_line", "exchange_line", "exchange_text"]
