"""A policy on scripted servers, and the messages of a conversation with tools."""

from __future__ import annotations

from typing import Any

from chat_server import ChatServer

from cwm_agent.policies.chat.policy import ChatPolicy
from cwm_agent.policies.chat.provider import chat_model
from cwm_agent.policies.endpoint.client import Timeouts
from cwm_agent.prompts.packs import load
from envs.environment import ReplyLimits
from results.records import Message
from tools.native import functions

OPENING = (Message("system", "You fix bugs."), Message("user", "There is one."))
RESULT = Message("tool: bash", "shapes.py\n")
LIMITS = ReplyLimits(4000)
FUNCTIONS = functions(("bash", "edit", "create", "submit"), load("default"))


def policy_of(*servers: ChatServer, model: str = "openai:scripted", **options: Any) -> ChatPolicy:
    """A policy that asks these servers; by default it is not patient."""
    named = chat_model(model)
    assert named is not None
    options = {"functions": FUNCTIONS, "timeouts": Timeouts(5, 1)} | options
    return ChatPolicy(named, [server.url for server in servers], **options)
