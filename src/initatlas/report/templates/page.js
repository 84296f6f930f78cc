"use strict";
{
{% include "ledger.js" %}
}
