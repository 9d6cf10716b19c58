"""Replies of LLM servers."""
