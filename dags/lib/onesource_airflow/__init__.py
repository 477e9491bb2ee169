"""What the DAGs are wired from: the `onesource` command as operators, the inbox, assets, alerts."""
