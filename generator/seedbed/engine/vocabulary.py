"""English words for what Faker has no good words for: plain sentences about business, products, departments."""

from __future__ import annotations

import itertools
import random

DEPARTMENTS = (
    "Accounting", "Administration", "Analytics", "Compliance", "Customer Service", "Data Management", "Engineering",
    "Facilities", "Finance", "Human Resources", "Information Technology", "Internal Audit", "Legal", "Logistics",
    "Maintenance", "Marketing", "Operations", "Procurement", "Product Management", "Quality Assurance",
    "Research and Development", "Risk Management", "Sales", "Security", "Strategy", "Training",
)  # fmt: skip
CURRENCIES = (
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HUF", "INR", "JPY", "KRW", "MXN", "NOK", "NZD",
    "PLN", "SEK", "SGD", "TRY", "USD", "ZAR",
)  # fmt: skip
COLORS = (
    "Amber", "Beige", "Black", "Blue", "Bronze", "Brown", "Burgundy", "Charcoal", "Cream", "Crimson", "Gold", "Gray",
    "Green", "Indigo", "Ivory", "Khaki", "Lavender", "Lime", "Magenta", "Maroon", "Mint", "Navy", "Olive", "Orange",
    "Pink", "Purple", "Red", "Rose", "Silver", "Teal", "Turquoise", "Violet", "White", "Yellow",
)  # fmt: skip
WORDS = (
    "account", "address", "agreement", "amount", "analysis", "answer", "approval", "balance", "batch", "budget",
    "calendar", "campaign", "channel", "charge", "client", "comment", "contract", "copy", "cost", "coverage", "credit",
    "customer", "cycle", "deadline", "decision", "delay", "delivery", "deposit", "detail", "discount", "document",
    "entry", "estimate", "event", "exchange", "expense", "forecast", "form", "goal", "guide", "income", "index",
    "interview", "inventory", "invoice", "issue", "item", "journey", "label", "ledger", "letter", "level", "license",
    "limit", "link", "list", "location", "manual", "margin", "market", "measure", "meeting", "message", "method",
    "notice", "number", "offer", "office", "option", "order", "outcome", "package", "page", "partner", "payment",
    "period", "permit", "plan", "policy", "portfolio", "price", "process", "profile", "program", "project", "proposal",
    "purchase", "quality", "question", "quota", "receipt", "record", "refund", "region", "register", "reminder",
    "renewal", "report", "request", "result", "return", "review", "route", "sample", "schedule", "section", "service",
    "shipment", "signature", "source", "standard", "statement", "status", "storage", "summary", "supplier", "survey",
    "target", "task", "team", "template", "term", "ticket", "total", "training", "transfer", "update", "value",
    "vendor", "version", "visit", "warehouse", "warranty", "workshop",
)  # fmt: skip

_QUALITIES = (
    "Adjustable", "Classic", "Compact", "Cordless", "Durable", "Essential", "Folding", "Heavy-Duty", "Insulated",
    "Lightweight", "Modular", "Outdoor", "Portable", "Premium", "Quiet", "Rechargeable", "Reinforced", "Slim",
    "Smart", "Waterproof",
)  # fmt: skip
_MATERIALS = ("Aluminum", "Bamboo", "Ceramic", "Cotton", "Glass", "Leather", "Oak", "Steel", "Walnut", "Wool")
_THINGS = (
    "Backpack", "Bench", "Blanket", "Bookcase", "Bottle", "Bowl", "Cabinet", "Chair", "Clock", "Cutting Board", "Desk",
    "Desk Lamp", "Door Mat", "Frame", "Heater", "Kettle", "Keyboard Stand", "Ladder", "Lantern", "Mirror", "Mug",
    "Notebook Cover", "Organizer", "Pan", "Planter", "Rack", "Shelf", "Stool", "Storage Box", "Table", "Tool Set",
    "Tray", "Umbrella", "Wallet", "Watch",
)  # fmt: skip

_WHO = (
    "The customer", "The account manager", "The supplier", "Our support team", "The warehouse", "The finance team",
    "The project lead", "The branch office", "A reviewer", "The applicant",
)  # fmt: skip
_DID = (
    "asked for", "confirmed", "sent", "corrected", "approved", "returned", "is waiting for", "questioned", "received",
    "checked",
)  # fmt: skip
_WHAT = (
    "the updated contract", "the missing invoice", "a copy of the receipt", "the delivery address",
    "the revised estimate", "the signed form", "the payment schedule", "the latest report", "the order confirmation",
    "the supporting documents",
)  # fmt: skip
_HOW = (
    "by phone", "by e-mail", "during the weekly meeting", "before the deadline", "after a short delay",
    "without further comments", "for the second time", "on the agreed date", "through the online portal",
    "as part of the regular review",
)  # fmt: skip


def sentences(count: int) -> tuple[str, ...]:
    """Different sentences of ordinary business notes, up to 10,000."""
    return tuple(f"{' '.join(parts)}." for parts in _mixed(count, _WHO, _DID, _WHAT, _HOW))


def paragraphs(count: int) -> tuple[str, ...]:
    """Different paragraphs of three sentences, up to 3,000."""
    lines = sentences(3 * count)
    return tuple(" ".join(lines[place::count]) for place in range(count))


def products(count: int) -> tuple[str, ...]:
    """Different names of products, up to 7,000."""
    return tuple(" ".join(parts) for parts in _mixed(count, _QUALITIES, _MATERIALS, _THINGS))


def _mixed(count: int, *lists: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Some of all combinations, always the same ones."""
    return random.Random("seedbed").sample(list(itertools.product(*lists)), count)
