"""Bank files of our own making, as tests need them."""

from collections.abc import Callable, Iterable, Sequence

from recoup.bank.rules.formats import format_of
from recoup.bank.rules.matching import Theirs
from recoup.bank.rules.nacha import WIDTH
from recoup.bank.rules.reading import Reading
from recoup.bank.rules.statement import Broken
from recoup.bank.rules.statements import bank_statement
from recoup.kernel.problem import Problem

IBAN = "DE89370400440532013000"
BANK = Reading(kind="bank")


def read(content: bytes, reading: Reading = BANK) -> tuple[list[Theirs | Broken], list[str]]:
    """Its lines and notes, read in small pieces."""
    named = format_of(content)
    assert named is not None
    chunks = [content[at : at + 61] for at in range(0, len(content), 61)]
    statement = bank_statement(named, content[:1000], chunks, reading)
    return list(statement), statement.notes()


def signed(content: bytes, reading: Reading = BANK) -> list[tuple[str, str, int, str]]:
    """Type, reference, units with sign, and currency of each line."""
    out = ("payout", "funding_return")
    lines = [line for line in read(content, reading)[0] if isinstance(line, Theirs)]
    return [
        (line.type, line.reference, -line.units if line.type in out else line.units, line.asset)
        for line in lines
    ]


def ntry(
    amount: str, way: str = "CRDT", more: str = "", status: str = "<Cd>BOOK</Cd>", ccy: str = "EUR"
) -> str:
    return (
        f'<Ntry><Amt Ccy="{ccy}">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd><Sts>{status}</Sts>'
        f"<BookgDt><Dt>2026-11-20</Dt></BookgDt><ValDt><Dt>2026-11-23</Dt></ValDt>{more}</Ntry>"
    )


def details(*of: str) -> str:
    return "<NtryDtls>" + "".join(f"<TxDtls>{one}</TxDtls>" for one in of) + "</NtryDtls>"


def ref(text: str, amount: str = "", way: str = "") -> str:
    sums = f'<Amt Ccy="EUR">{amount}</Amt>' if amount else ""
    return f"<Refs><EndToEndId>{text}</EndToEndId></Refs>{sums}" + (
        f"<CdtDbtInd>{way}</CdtDbtInd>" if way else ""
    )


def balance(code: str, amount: str, ccy: str = "EUR", way: str = "CRDT") -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="{ccy}">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd></Bal>'
    )


def stmt(
    *inside: str, name: str = "S1", tag: str = "Stmt", iban: str = IBAN, ccy: str = "EUR"
) -> str:
    account = f"<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>{ccy}</Ccy></Acct>"
    return f"<{tag}><Id>{name}</Id>{account}{''.join(inside)}</{tag}>"


def camt(*statements: str, message: str = "camt.053.001.08", root: str = "BkToCstmrStmt") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document '
        f'xmlns="urn:iso:std:iso:20022:tech:xsd:{message}">\n'
        f"<{root}><GrpHdr><MsgId>M1</MsgId></GrpHdr>{''.join(statements)}</{root}></Document>\n"
    ).encode()


def mt940(
    *lines: str,
    opening: str = "C261119EUR0,00",
    closing: str = "C261120EUR60,00",
    page: str = "1/1",
) -> bytes:
    """With the marks F and M of balances by `page`: the first of one begins with :60F:, the last
    ends with :62F:."""
    number, _, of = page.partition("/")
    first, last = "F" if number == "1" else "M", "F" if number == (of or number) else "M"
    text = [
        ":20:STMT1",
        f":25:{IBAN}",
        f":28C:7/{number}",
        f":60{first}:{opening}",
        *lines,
        f":62{last}:{closing}",
        "-",
    ]
    return "".join(f"{line}\r\n" for line in text).encode("latin-1")


def bai2(accounts: Iterable[tuple[str, Sequence[str]]], status: str = "1") -> bytes:
    """Accounts as the fields behind 03 and their further records; trailers are added up."""
    lines, group_total, total_accounts = ["01,BANK,RECOUP,261121,0600,1,80,1,2/", ""], 0, 0
    lines[1] = f"02,RECOUP,BANK,{status},261120,2359,USD,2/"
    for header, records in accounts:
        held = [f"03,{header}/", *records]
        total = sum(int(one.split(",")[2]) for one in records if one.startswith("16,"))
        fields = header.split(",")[2:]
        total += sum(int(amount) for amount in fields[1::4] if amount)
        lines += [*held, f"49,{total},{len(held) + 1}/"]
        group_total, total_accounts = group_total + total, total_accounts + 1
    lines.append(f"98,{group_total},{total_accounts},{len(lines)}/")
    lines.append(f"99,{group_total},1,{len(lines) + 1}/")
    return "".join(f"{line}\n" for line in lines).encode()


def nacha(*entries: tuple[str, int, str], sec: str = "CCD") -> bytes:
    """Entries as identification, cents and the addenda's first characters: 99R02, or 98C01 with its
    corrected data."""
    rows, count, hashed, total = [], 0, 0, 0
    for number, (name, cents, told) in enumerate(entries, 1):
        code, _, data = told.partition(" ")
        trace = f"09100001{number:07}"
        rows.append(f"621091000019{'123456789':17}{cents:010}{name:15}{'SHOP':22}  1{trace}")
        rows.append(f"7{code}{trace}{'':6}09100001{data:44}{trace}")
        count, hashed, total = count + 2, hashed + 9100001, total + cents
    head = f"101 091000019 0910000191611260430A094101{'DEST BANK':23}{'RECOUP':23}"
    batch = f"5200{'RECOUP':16}{'':20}1234567890{sec}{'PAYOUT':10}      261126   1091000010000001"
    sums = f"{hashed % 10**10:010}{0:012}{total:012}"
    ends = [
        f"8200{count:06}{sums}1234567890{'':25}091000010000001",
        f"9000001000001{count:08}{sums}",
    ]
    return "".join(f"{row:{WIDTH}}\n" for row in (head, batch, *rows, *ends)).encode()


def status_report(*inside: str, group: str = "") -> bytes:
    return (
        '<?xml version="1.0"?><Document '
        'xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"><CstmrPmtStsRpt>'
        "<GrpHdr><MsgId>A1</MsgId></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>RC0123456789AB</OrgnlMsgId>{group}</OrgnlGrpInfAndSts>"
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>P1</OrgnlPmtInfId>{''.join(inside)}</OrgnlPmtInfAndSts>"
        "</CstmrPmtStsRpt></Document>"
    ).encode()


def payment(reference: str, status: str = "", reason: str = "", amount: str = "") -> str:
    told = f"<TxSts>{status}</TxSts>" if status else ""
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>" if reason else ""
    worth = (
        f'<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">{amount}</InstdAmt></Amt></OrgnlTxRef>'
        if amount
        else ""
    )
    named = f"<OrgnlEndToEndId>{reference}</OrgnlEndToEndId>"
    return f"<TxInfAndSts>{named}{told}{why}{worth}</TxInfAndSts>"


def not_refused(
    cases: Iterable[tuple[bytes, str]], reader: Callable[[bytes], object]
) -> list[tuple[str, str]]:
    """Files that are read, or refused without these words or a cure."""
    wrong = []
    for content, words in cases:
        try:
            reader(content)
        except Problem as problem:
            if words not in problem.message or not problem.cure:
                wrong.append((words, problem.message))
        else:
            wrong.append((words, "it was read"))
    return wrong
