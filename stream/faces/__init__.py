"""From a picture to tracked faces and their crops: pure, engines given from outside."""
