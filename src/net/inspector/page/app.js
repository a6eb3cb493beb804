document.getElementById("app").textContent = "hookdev is listening.";
