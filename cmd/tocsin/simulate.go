package main

import (
	"github.com/spf13/cobra"

	"github.com/tocsin-security/tocsin/internal/app"
)

func simulateCommand(io app.Streams) *cobra.Command {
	return &cobra.Command{Use: "simulate", Hidden: true}
}

func evaluateCommand(io app.Streams) *cobra.Command {
	return &cobra.Command{Use: "evaluate", Hidden: true}
}
