// Sends the answer on its way without a click (OAuth 2.0 Form Post Response Mode). Without it, the page's Continue button does the same.
// The prototype's submit is called because a field may itself be named "submit".
HTMLFormElement.prototype.submit.call(document.getElementById("answer"));
