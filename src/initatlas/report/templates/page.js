"use strict";
{
{% include "ledger.js" %}
{% include "copy.js" %}
}
