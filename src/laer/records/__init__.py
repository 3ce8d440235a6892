"""What is true of a customer: record types, money, periods, and the expression language that formulas are written in."""
