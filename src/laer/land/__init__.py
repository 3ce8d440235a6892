"""Land: was the customer won in the right way?"""
